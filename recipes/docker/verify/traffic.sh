# The client that comes with the package, on the server that comes with it. Everything else about relaying, over every transport and with
# every kind of credentials, is tried in the laboratory, by clients whose habits don't change with coturn's versions.

user=turnbuild
password=not-a-secret-just-a-test
messages=50
# Beside those of the shipped configuration, whose server still runs.
port=3488
tls_port=5359

# A relay range where the range is not what is tried: from 4.8 on a server shuffles its ports at each start, for a minute under QEMU.
# Of two ranges in a configuration the last one counts.
small_range() {
	printf '\nmin-port=49152\nmax-port=50151\n'
}

# The shipped configuration with what a test needs: an account, one allowed peer, ports of its own and no metrics.
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
