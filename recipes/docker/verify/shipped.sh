# Tests the server with the unchanged shipped configuration.

check_vectors() {
	# This tool is in no package, so only a build provides it.
	[ -f /inputs/tools.tar ] || return 0
	tar -xf /inputs/tools.tar -C /tmp
	run rfc5769check /tmp/turnutils_rfc5769check
}

# Clients that the shipped configuration must refuse.
strangers=()

check_shipped_configuration() {
	start shipped "$configuration" 3478 9641 || { stop shipped; return; }
	listening "$(id -u "$service_user")" >/out/shipped.listening
	# Old versions of this client wait for an answer forever.
	run stun timeout 60 turnutils_stunclient "$address"
	http_get 127.0.0.1 9641 /metrics >/out/shipped.metrics
	fact shipped.metrics.exit $?
	if [ "$address" = 127.0.0.1 ]; then
		fact shipped.metrics.public unknown
	else
		fact shipped.metrics.public "$(reachable "$address" 9641 && echo yes || echo no)"
	fi
	fact shipped.cli "$(reachable 127.0.0.1 5766 && echo open || echo closed)"
	# There are no accounts yet, so the server must refuse every allocation. Newer clients take 15 s to give up, so test the utilities
	# meanwhile.
	run anonymous timeout 60 turnutils_uclient -c -n 1 -m 1 -e "$address" -r 3480 "$address" &
	strangers+=($!)
	run stranger timeout 60 turnutils_uclient -c -n 1 -m 1 -u user -w password -e "$address" -r 3480 "$address" &
	strangers+=($!)
}

# Waits for the refused clients and stops the server.
finish_shipped_configuration() {
	[ ${#strangers[@]} -gt 0 ] || return 0
	wait "${strangers[@]}"
	stop shipped
}
