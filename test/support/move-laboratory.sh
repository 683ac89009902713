#!/bin/sh
# Runs as root before a unit's turnserver: replaces the laboratory's folder, and puts a link where the laboratory writes a server's
# configuration later. Through the link, the container's root would write to its own standard output and thus to the step's log.
# Only the first run has an effect. attack.sh, whose lines are the last of the unit's log, reports the result.
mkdir /laboratory-tried || exit 0
plant() {
	mv /turnbuild-laboratory /moved && mkdir /turnbuild-laboratory && cp -r /moved/. /turnbuild-laboratory/
	ln -s /proc/1/fd/1 /turnbuild-laboratory/filtered.conf
}
if plant; then echo "attack: move_laboratory succeeded"; else echo "attack: move_laboratory was refused"; fi >/laboratory-tried/said
