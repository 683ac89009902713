# Runs the package's service with a substitute for systemd and observes it after each step.

# The service's process at the last observation.
service=

systemd_on() {
	mkdir -p /run/systemd/system /tmp/systemd
	rm -f /tmp/systemd/*
	# First in the PATH of maintainer scripts: apt sets it without /usr/local.
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

# The client sends one request and waits for a minute. The request is lost if the server has not opened its UDP sockets yet, which under
# emulation happens seconds after TCP. So make four attempts of 15 s each.
answers_stun() {
	for _ in 1 2 3 4; do
		! timeout 15 /tmp/stunclient "$address" 2>&1 | grep -q 'UDP reflexive addr' || return 0
	done
	return 1
}

# observe NAME: records the state of the package and of the service after a step, and the calls to systemd meanwhile. Compares the process
# with that of the previous step.
observe() {
	local pid process=other stun=silent
	pid=$(service_pid)
	case $pid in '') process=gone ;; "$service") process=same ;; *) await_service ;; esac
	if [ $process != gone ] && answers_stun; then stun=answered; fi
	fact "$1.package" "$(package_state)"
	fact "$1.process" $process
	fact "$1.stun" $stun
	fact "$1.calls" "$(grep -v ': daemon-reload$' /tmp/systemd/calls | paste -sd';')"
	# Whether systemd reloads the new files before it starts the service.
	fact "$1.reload" "$(awk '/, half-configured .*: daemon-reload$/ { read = 1 }
		/: (re)?start$/ { print read ? "before" : "missing"; exit }' /tmp/systemd/calls)"
	: >/tmp/systemd/calls
	service=$pid
}
