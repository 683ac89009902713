#!/bin/sh
# Replaces systemctl, because no systemd runs here, so that maintainer scripts behave as on a real machine. It runs the service as its unit
# specifies, and records each call with the calling script and the state of the package.
# /tmp/systemd: calls, pid, service.log
dir=/tmp/systemd
unit=coturn.service
. /turnbuild/format.sh

for word in "$@"; do
	case $word in
	-*) ;;
	*)
		command=$word
		break
		;;
	esac
done

file() {
	for folder in /usr/lib/systemd/system /lib/systemd/system; do
		[ ! -e $folder/$unit ] || { echo $folder/$unit; return; }
	done
}

running() {
	pid=$(cat $dir/pid 2>/dev/null) && [ -n "$pid" ] || return 1
	case $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) in '' | Z*) return 1 ;; esac
}

start() {
	! running || return 0
	# LogsDirectory= creates this folder, if the unit has the setting.
	logs=$(sed -n 's/^LogsDirectory=//p' "$(file)")
	# shellcheck disable=SC2154
	[ -z "$logs" ] || install -d -o "$service_user" -g "$service_user" "/var/log/$logs"
	rm -f $dir/pid
	: >$dir/started
	# The service must leave the terminal's session before this returns: when dpkg ends, apt sends SIGHUP to the processes of its session.
	# The words of the command line are split on purpose.
	# shellcheck disable=SC2046,SC2016
	setsid --fork sh -c 'echo $$ >"$0" && exec setpriv "$@"' $dir/pid --reuid="$service_user" --regid="$service_user" --init-groups -- \
		$(sed -n 's/^ExecStart=//p' "$(file)") >>$dir/service.log 2>&1 </dev/null
	waited=0
	until [ -s $dir/pid ] || [ $waited -ge 300 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
}

stop() {
	running || return 0
	kill -TERM "$pid"
	waited=0
	while running; do
		[ $waited -lt 300 ] || kill -KILL "$pid"
		sleep 0.1
		waited=$((waited + 1))
	done
	# Delete what it left in its private folders.
	! grep -qE '^PrivateTmp=(yes|true)' "$(file)" ||
		find /tmp /var/tmp -xdev -type f -user "$service_user" -newer $dir/started -delete
}

case $command in
is-active)
	running
	exit
	;;
is-enabled)
	if [ -e /etc/systemd/system/multi-user.target.wants/$unit ]; then echo enabled; else echo disabled; fi
	exit
	;;
esac
echo "$(asking_script), $(package_state): $command" >>$dir/calls
wanted=/etc/systemd/system/multi-user.target.wants
case $command in
enable | preset)
	mkdir -p $wanted
	ln -sf "$(file)" $wanted/$unit
	;;
disable)
	rm -f $wanted/$unit
	rmdir $wanted 2>/dev/null
	;;
start) start ;;
stop) stop ;;
restart | try-restart | reload-or-restart)
	stop
	start
	;;
esac
