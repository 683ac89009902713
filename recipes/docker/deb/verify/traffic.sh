# Allocations and relayed data over every client transport, with one kind of credentials.

user=turnbuild
password=not-a-secret-just-a-test
secret=not-a-secret-just-a-test-either
messages=50

# The shipped configuration with what a test needs: credentials, a certificate, and one allowed peer.
test_configuration() {
	cat /etc/turnserver.conf
	echo "realm=turnbuild.test"
	echo "listening-ip=$address"
	echo "relay-ip=$address"
	echo "allowed-peer-ip=$address"
	echo "cert=/tmp/certificate/cert.pem"
	echo "pkey=/tmp/certificate/key.pem"
	# Some versions leave DTLS off until it is asked for.
	if turnserver --help 2>&1 | grep -qE '^[[:space:]]*--dtls([[:space:]]|$)'; then echo dtls; fi
	[ "$address" != 127.0.0.1 ] || echo allow-loopback-peers
	case $1 in
	long-term) echo "user=$user:$password" ;;
	rest-secret)
		echo use-auth-secret
		echo "static-auth-secret=$secret"
		;;
	esac
}

client_credentials() {
	case $1 in
	long-term) echo "-u $user -w $password" ;;
	rest-secret) echo "-u $user -W $secret" ;;
	esac
}

wrong_credentials() {
	case $1 in
	long-term) echo "-u $user -w wrong" ;;
	# A name with a valid time, and a password made with another secret.
	rest-secret) echo "-u $user -W wrong" ;;
	esac
}

transport_options() {
	case $1 in
	udp) ;;
	tcp) echo -t ;;
	# A suite of TLS 1.2: a client that has drawn an older version fails at once, instead of waiting for a minute.
	tls) echo "-t -S -F ECDHE-RSA-AES256-GCM-SHA384" ;;
	dtls) echo -S ;;
	esac
}

scrape() {
	http_get 127.0.0.1 9641 /metrics >"/out/$1.metrics"
}

# Traffic is added to the metrics when a session ends, so wait until the figure stops short of changing (15 s).
settle() {
	local expected=$1 waited=0
	while [ $waited -lt 30 ]; do
		http_get 127.0.0.1 9641 /metrics >/tmp/now.metrics
		[ "$(awk '$1 == "turn_total_traffic_peer_sentp" { v = $2 } END { printf "%d", v + 0 }' /tmp/now.metrics)" -lt "$expected" ] || return 0
		sleep 0.5
		waited=$((waited + 1))
	done
}

# sent LOG: messages that the client has sent.
sent() {
	sed -n 's/.*tot_send_msgs=\([0-9]*\).*/\1/p' "$1" | tail -n 1
}

# relay CREDENTIALS TRANSPORT: one client that sends its messages to the peer and counts what comes back; adds what it sent
# to `total`. Every message has to come back. Two faults of the client itself let it try again over TLS or DTLS:
#   - old versions draw a TLS version for each connection, 1.0 and 1.1 among them, which the shipped configuration refuses
#     before anything is sent;
#   - over TLS it takes all that one SSL_read gives for one message, and drops it, saying so, when a busy server has put
#     two into a record. One message each 40 ms makes that rare.
# How often it tried and what it sent in all is reported: the server's counters are held against all of it.
relay() {
	local name=$1.$2 attempt=0 count=0
	while [ $attempt -lt 40 ]; do
		attempt=$((attempt + 1))
		# The words are options, split on purpose.
		# shellcheck disable=SC2046
		run "$name" timeout 60 turnutils_uclient -c -n $messages -m 1 -l 100 -z 40 \
			$(transport_options "$2") $(client_credentials "$1") -e "$address" -r 3480 "$address"
		local now
		now=$(sent "/out/$name.log")
		count=$((count + ${now:-0}))
		case $2:${now:-0} in
		tls:0 | dtls:0) ;;
		tls:*) grep -q 'received buffer have wrong length' "/out/$name.log" || break ;;
		*) break ;;
		esac
	done
	fact "$name.attempts" $attempt
	fact "$name.sent" $count
	total=$((total + count))
}

check_traffic() {
	local credentials=$1 transport total=0
	rm -rf /tmp/certificate
	cp -r /certificate /tmp/certificate
	chown -R turnserver:turnserver /tmp/certificate
	test_configuration "$credentials" >/tmp/test.conf
	chmod 644 /tmp/test.conf
	start "$credentials" /tmp/test.conf 9641 || { stop "$credentials"; return; }
	turnutils_peer -L "$address" -p 3480 >/out/peer.log 2>&1 </dev/null &
	local peer=$!
	scrape "$credentials.before"
	for transport in udp tcp tls dtls; do
		relay "$credentials" $transport
		settle $total
		scrape "$credentials.$transport"
	done
	# shellcheck disable=SC2046
	run "$credentials.wrong" timeout 60 turnutils_uclient -c -n 1 -m 1 $(wrong_credentials "$credentials") -e "$address" -r 3480 "$address"
	scrape "$credentials.after"
	kill $peer 2>/dev/null
	wait $peer 2>/dev/null
	stop "$credentials"
}
