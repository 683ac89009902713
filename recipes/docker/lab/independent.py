"""Uses a TURN server with aioice, a client that is independent of turnbuild and coturn.

argv: server address, user name, password, peer address, peer port, messages, transports (udp, tcp, tls)
out:  one JSON object per line: {"transport", "sent", "received"} or {"transport", "error"}
"""
import asyncio
import json
import ssl
import sys

import aioice.stun
from aioice.turn import create_turn_endpoint

server, username, password, peer, port, count, *transports = sys.argv[1:]
# Seconds until a message counts as lost, and until a whole transport times out.
LOST, TOO_LONG = 5, 120
# Retransmissions of a request, with pauses of 0.5, 1, 2, 4 and 8 s. The laboratory's links lose no packets.
aioice.stun.RETRY_MAX = 4


class Receiver(asyncio.DatagramProtocol):
    def __init__(self):
        self.messages = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.messages.put_nowait((data, addr))


async def relay(transport):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    endpoint, receiver = await create_turn_endpoint(
        Receiver,
        server_addr=(server, 5349 if transport == "tls" else 3478),
        username=username,
        password=password,
        ssl=context if transport == "tls" else False,
        transport="udp" if transport == "udp" else "tcp",
    )
    received = 0
    for number in range(int(count)):
        message = f"{transport} {number}".encode()
        endpoint.sendto(message, (peer, int(port)))
        try:
            data, address = await asyncio.wait_for(receiver.messages.get(), LOST)
        except asyncio.TimeoutError:
            continue
        received += data == message and address == (peer, int(port))
    endpoint.close()
    await asyncio.sleep(0.5)
    return {"transport": transport, "sent": int(count), "received": received}


async def main():
    for transport in transports:
        try:
            result = await asyncio.wait_for(relay(transport), TOO_LONG)
        except Exception as error:
            result = {"transport": transport, "error": repr(error)}
        print(json.dumps(result), flush=True)


asyncio.run(main())
