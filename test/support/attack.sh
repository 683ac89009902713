#!/bin/sh
# In the place of turnserver, or beside it: tries to change what belongs to the host's root, and says how that went.
try() {
	if "$@" 2>/dev/null; then echo "attack: $* succeeded"; else echo "attack: $* was refused"; fi
}
append() { (: >>"$1"); }
change_files() { (: >>/turnbuild-laboratory/requests.conf); }
mount_proc() { mkdir -p /tmp/proc && mount -t proc proc /tmp/proc; }
echo "attack: uid $(id -u), $(grep CapEff /proc/self/status | tr '\t' ' '), $(grep NoNewPrivs /proc/self/status | tr '\t' ' ')"
[ $# -ne 0 ] || cat /laboratory-tried/said
try append /proc/sys/kernel/core_pattern
try mount_proc
try append /tmp/proc/sys/kernel/core_pattern
try change_files
[ $# -eq 0 ] || exec /usr/bin/turnserver.real "$@"
