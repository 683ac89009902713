#!/bin/sh
# In the place of turnserver, or beside it: tries to change what belongs to the host's root, and says how that went.
try() {
	if "$@" 2>/dev/null; then echo "attack: $* succeeded"; else echo "attack: $* was refused"; fi
}
append() { (: >>"$1"); }
# What the laboratory writes into its folder there must not end elsewhere.
plant_link() { mv /turnbuild-laboratory /moved && mkdir /turnbuild-laboratory && ln -s /proc/sys/kernel/core_pattern /turnbuild-laboratory/requests.conf; }
change_files() { (: >>/turnbuild-laboratory/requests.conf); }
mount_proc() { mkdir -p /tmp/proc && mount -t proc proc /tmp/proc; }
echo "attack: uid $(id -u), $(grep CapEff /proc/self/status | tr '\t' ' '), $(grep NoNewPrivs /proc/self/status | tr '\t' ' ')"
try append /proc/sys/kernel/core_pattern
try mount_proc
try append /tmp/proc/sys/kernel/core_pattern
try plant_link
try change_files
[ $# -eq 0 ] || exec /usr/bin/turnserver.real "$@"
