# Edits an administrator could make to the configuration before an upgrade.

# Unknown options, as left by a misspelling or by a version that dropped an option, and known options in valid but unusual notations. The
# last line has no line break.
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
