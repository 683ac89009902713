#!/bin/sh
# Runs instead of turnserver or beside it: tries to change files of the host's root and reports the result.
try() {
	if "$@" 2>/dev/null; then echo "attack: $* succeeded"; else echo "attack: $* was refused"; fi
}
append() { (: >>"$1"); }
change_files() { (: >>/turnbuild-laboratory/requests.conf); }
mount_proc() { mkdir -p /tmp/proc && mount -t proc proc /tmp/proc; }
# Processes of the same root hold the laboratory's namespaces. A /proc that shows them may be mounted beneath the unit's own.
take_over_holder() {
	umount -l /proc
	for process in /proc/[0-9]*; do
		[ "$(cat "$process/comm")" = sleep ] && (: >>"$process/mem") && return
	done
	return 1
}
echo "attack: uid $(id -u), $(grep CapEff /proc/self/status | tr '\t' ' '), $(grep NoNewPrivs /proc/self/status | tr '\t' ' ')"
[ $# -ne 0 ] || cat /laboratory-tried/said
try append /proc/sys/kernel/core_pattern
try mount_proc
try append /tmp/proc/sys/kernel/core_pattern
try change_files
try take_over_holder
[ $# -eq 0 ] || exec /usr/bin/turnserver.real "$@"
