# Tests the package's own client with its server. The laboratory tests relaying over every transport and with every kind of credentials, with
# clients that behave the same for all coturn versions.

user=turnbuild
password=not-a-secret-just-a-test
messages=50
# Other ports than the shipped configuration's, whose server still runs.
port=3488
tls_port=5359

# A small relay range for tests that do not depend on it: coturn 4.8 and later shuffle all ports at each start, which takes a minute under
# QEMU. If a configuration sets a range twice, the last one applies.
small_range() {
	printf '\nmin-port=49152\nmax-port=50151\n'
}

# The shipped configuration with an account, one allowed peer, other ports and no metrics.
test_configuration() {
	grep -v '^prometheus' "$configuration"
	small_range
	echo "listening-port=$port"
	echo "tls-listening-port=$tls_port"
	echo "realm=turnbuild.test"
	echo "listening-ip=$address"
	echo "relay-ip=$address"
	echo "allowed-peer-ip=$address"
	[ "$address" != 127.0.0.1 ] || echo allow-loopback-peers
	echo "user=$user:$password"
}

check_utilities() {
	test_configuration >/tmp/test.conf
	chmod 644 /tmp/test.conf
	start utilities /tmp/test.conf $port || { stop utilities; return; }
	turnutils_peer -L "$address" -p 3480 >/out/peer.log 2>&1 </dev/null &
	local peer=$! wrong
	run wrong timeout 60 turnutils_uclient -p $port -c -n 1 -m 1 -u "$user" -w wrong -e "$address" -r 3480 "$address" &
	wrong=$!
	run client timeout 60 turnutils_uclient -p $port -c -n $messages -m 1 -l 100 -z 20 -u "$user" -w "$password" -e "$address" -r 3480 "$address"
	wait $wrong
	kill $peer 2>/dev/null
	wait $peer 2>/dev/null
	stop utilities
}
