# The service of a package, run by what stands in for systemd, and looked at after each step.

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
	fact "$1.package" "$(package_state)"
	fact "$1.process" $process
	fact "$1.stun" $stun
	fact "$1.calls" "$(grep -v ': daemon-reload$' /tmp/systemd/calls | paste -sd';')"
	# Whether systemd has read the new files before it starts anything by them.
	fact "$1.reload" "$(awk '/, half-configured .*: daemon-reload$/ { read = 1 }
		/: (re)?start$/ { print read ? "before" : "missing"; exit }' /tmp/systemd/calls)"
	: >/tmp/systemd/calls
	service=$pid
}
