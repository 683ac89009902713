# What an administrator has done to the configuration before an upgrade.

# Options that nothing has ever known, as a misspelling or a version that dropped them leaves them; and known ones, written in
# ways that are right but rare. The last known line ends a file without a line end.
edit_configuration() {
	printf '\n# edited by the operator\nrealm=kept.example.org\n'
	printf 'denied-peer-ips=10.0.0.0-10.255.255.255\n'
	printf '\t no-multicast-peers\r\n'
	printf ' # no-such-comment=1\n'
	printf 'no-such-option\n'
	printf 'max-port=50151\n'
	printf 'min-port \t=  49152\n'
	printf 'No-CLI\n'
	printf 'stale-nonce "600"'
}
