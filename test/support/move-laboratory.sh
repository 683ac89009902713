#!/bin/sh
# Before turnserver, as root of a unit: puts a folder of its own in the place of the laboratory's, with a link where the laboratory writes a
# server's configuration later. Through it the container's root would write into its own standard output, and so into the step's log.
# Only the first time counts, and attack.sh says how it went, whose lines are the last of the unit's log.
mkdir /laboratory-tried || exit 0
plant() {
	mv /turnbuild-laboratory /moved && mkdir /turnbuild-laboratory && cp -r /moved/. /turnbuild-laboratory/
	ln -s /proc/1/fd/1 /turnbuild-laboratory/filtered.conf
}
if plant; then echo "attack: move_laboratory succeeded"; else echo "attack: move_laboratory was refused"; fi >/laboratory-tried/said
