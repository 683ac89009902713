# The server with the configuration that the package ships, unchanged.

check_vectors() {
	# Only a build has it: it is in no package.
	[ -f /inputs/tools.tar ] || return 0
	tar -xf /inputs/tools.tar -C /tmp
	run rfc5769check /tmp/turnutils_rfc5769check
}

# Clients of the shipped configuration that are to be refused.
strangers=()

check_shipped_configuration() {
	start shipped "$configuration" 3478 9641 || { stop shipped; return; }
	listening "$(id -u "$service_user")" >/out/shipped.listening
	# Old ones wait for an answer for ever.
	run stun timeout 60 turnutils_stunclient "$address"
	http_get 127.0.0.1 9641 /metrics >/out/shipped.metrics
	fact shipped.metrics.exit $?
	if [ "$address" = 127.0.0.1 ]; then
		fact shipped.metrics.public unknown
	else
		fact shipped.metrics.public "$(reachable "$address" 9641 && echo yes || echo no)"
	fi
	fact shipped.cli "$(reachable 127.0.0.1 5766 && echo open || echo closed)"
	# Nobody has an account yet, so nobody may get a relay. Clients of newer versions take a quarter of a minute to give up, in which the
	# utilities are tried.
	run anonymous timeout 60 turnutils_uclient -c -n 1 -m 1 -e "$address" -r 3480 "$address" &
	strangers+=($!)
	run stranger timeout 60 turnutils_uclient -c -n 1 -m 1 -u user -w password -e "$address" -r 3480 "$address" &
	strangers+=($!)
}

# Waits for the clients that are refused, and stops the server.
finish_shipped_configuration() {
	[ ${#strangers[@]} -gt 0 ] || return 0
	wait "${strangers[@]}"
	stop shipped
}
