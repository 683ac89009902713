# Upgrades of a package whose server runs: some that fail, and one that doesn't.

# The process of the service when it was last looked at.
service=

systemd_on() {
	mkdir -p /run/systemd/system /tmp/systemd
	rm -f /tmp/systemd/*
	# First in the path that apt gives maintainer scripts, which has no /usr/local.
	install -m 755 "$here/systemctl.sh" /usr/sbin/systemctl
}

systemd_off() {
	[ -d /run/systemd/system ] || return 0
	systemctl stop coturn.service
	cat /tmp/systemd/service.log >>/out/service.log 2>/dev/null
	rm -f /usr/sbin/systemctl
	rmdir /run/systemd/system /run/systemd 2>/dev/null
}

service_pid() {
	systemctl is-active coturn.service && cat /tmp/systemd/pid
}

# Waits until the service answers clients (90 s, as start() does).
await_service() {
	local waited=0
	until reachable "$address" 3478 || [ $waited -ge 450 ]; do
		sleep 0.2
		waited=$((waited + 1))
	done
	sleep 1
}

# The client sends one request and waits for a minute. Where it comes before the server has opened its UDP sockets, which
# follow the TCP ones by seconds under emulation, that request is lost: so it gets four, 15 s each.
answers_stun() {
	for _ in 1 2 3 4; do
		! timeout 15 /tmp/stunclient "$address" 2>&1 | grep -q 'UDP reflexive addr' || return 0
	done
	return 1
}

# observe NAME: what a step has left of the package and of the service, and what was asked of systemd meanwhile. The process
# is compared with that of the step before.
observe() {
	local pid process=other stun=silent
	pid=$(service_pid)
	case $pid in '') process=gone ;; "$service") process=same ;; *) await_service ;; esac
	if [ $process != gone ] && answers_stun; then stun=answered; fi
	fact "$1.package" "$(dpkg-query -W -f '${db:Status-Status} ${Version}' coturn 2>/dev/null)"
	fact "$1.process" $process
	fact "$1.stun" $stun
	fact "$1.calls" "$(grep -v ': daemon-reload$' /tmp/systemd/calls | paste -sd';')"
	: >/tmp/systemd/calls
	service=$pid
}

# variant NUMBER: the package as a newer version, unpacked in /tmp/variant, to be spoilt.
variant() {
	rm -rf /tmp/variant
	dpkg-deb --raw-extract /inputs/coturn.deb /tmp/variant
	sed -i "s/^Version: .*/&+$1/" /tmp/variant/DEBIAN/control
}

pack_variant() {
	dpkg-deb --root-owner-group -Znone --build /tmp/variant /tmp/variant.deb >/dev/null
}

# The second line of a maintainer script is `set -e`.
spoil() {
	sed -i "2a $2" "/tmp/variant/DEBIAN/$1"
}

upgrade_while_running() {
	cp /usr/bin/turnutils_stunclient /tmp/stunclient
	systemd_on
	systemctl start coturn.service
	observe running

	variant 1
	pack_variant
	head -c $(($(stat -c %s /tmp/variant.deb) * 2 / 3)) /tmp/variant.deb >/tmp/truncated.deb
	run truncated dpkg --install /tmp/truncated.deb
	observe truncated

	variant 2
	spoil preinst 'exit 1'
	pack_variant
	run preinst-fails dpkg --install /tmp/variant.deb
	observe preinst-fails

	variant 3
	spoil postinst '[ ! -e /tmp/full ] || exit 1'
	pack_variant
	touch /tmp/full
	run postinst-fails dpkg --install /tmp/variant.deb
	observe postinst-fails
	rm /tmp/full
	run recovered dpkg --configure --pending
	observe recovered

	variant 4
	pack_variant
	run upgraded-running dpkg --install /tmp/variant.deb
	observe upgraded-running
	rm -rf /tmp/variant /tmp/variant.deb /tmp/truncated.deb
}
