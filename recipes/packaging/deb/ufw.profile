[Turnserver]
title=TURN and STUN server
description=coturn: clients on 3478 and 5349, relayed traffic on the port range of {{configurationDir}}/turnserver.conf
ports=3478,5349,{{minPort}}:{{maxPort}}/udp|3478,5349/tcp
