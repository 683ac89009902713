# Allocations and relayed data over every client transport, with one kind of credentials.

user=turnbuild
password=not-a-secret-just-a-test
secret=not-a-secret-just-a-test-either
messages=50
# Seconds that a client which isn't let in may take.
patience=20

# The shipped configuration with what a test needs: credentials, a certificate, and one allowed peer.
test_configuration() {
	cat "$configuration"
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
	# -v: the log has the size of each read.
	tls) echo "-v -t -S -F ECDHE-RSA-AES256-GCM-SHA384" ;;
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

# figure LOG NAME: the last value of tot_send_msgs or tot_recv_msgs that the client has printed; 0 if it has printed none.
figure() {
	local value
	value=$(sed -n "s/.*$2=\([0-9]*\).*/\1/p" "$1" | tail -n 1)
	echo "${value:-0}"
}

# Over TLS the client takes all that one SSL_read gives for one message, and forgets the rest. A server that has much to do
# puts several messages into a record. A message is 104 bytes in its channel and the smallest answer 52.
dropped_by_client() {
	awk -F 'response received: size=' 'NF == 2 && $2 + 0 >= 156 { found = 1 } END { exit !found }' "$1"
}

# relay CREDENTIALS TRANSPORT: one client that sends its messages to the peer and counts what comes back; adds what it sent
# to `total`. Every message has to come back. Two faults of the client itself let it try again:
#   - old versions draw a TLS version for each connection, 1.0 and 1.1 among them, which the shipped configuration refuses
#     before anything is sent;
#   - messages that it has dropped itself, as its log shows (five times at most). One message each 40 ms makes that rare.
# How often it tried and what it sent in all is reported: the server's counters are held against all of it.
relay() {
	local name=$1.$2 log=/out/$1.$2.log attempt=0 dropped=0 slow=0 count=0 sent begin
	while [ $attempt -lt 40 ]; do
		attempt=$((attempt + 1))
		begin=$SECONDS
		# The words are options, split on purpose.
		# shellcheck disable=SC2046
		run "$name" timeout 60 turnutils_uclient -c -n $messages -m 1 -l 100 -z 40 \
			$(transport_options "$2") $(client_credentials "$1") -e "$address" -r 3480 "$address"
		sent=$(figure "$log" tot_send_msgs)
		count=$((count + sent))
		case $2:$sent in
		tls:0 | dtls:0)
			# A refused TLS version is over at once. Who waits for an answer twice has got none.
			[ $((SECONDS - begin)) -le $patience ] || slow=$((slow + 1))
			[ $slow -lt 2 ] || break
			continue
			;;
		tls:*) ;;
		*) break ;;
		esac
		if [ "$(figure "$log" tot_recv_msgs)" -ge "$sent" ] || [ $dropped -ge 5 ] || ! dropped_by_client "$log"; then break; fi
		dropped=$((dropped + 1))
	done
	fact "$name.attempts" $attempt
	fact "$name.sent" $count
	total=$((total + count))
}

check_traffic() {
	local credentials=$1 transport total=0
	rm -rf /tmp/certificate
	cp -r /certificate /tmp/certificate
	chown -R "$service_user:$service_user" /tmp/certificate
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
