# Functions for facts, processes and HTTP.

# fact NAME VALUE: writes a line to /out/facts.txt, with line breaks and tabs of the value as blanks.
fact() {
	printf '%s\t%s\n' "$1" "$(printf '%s' "$2" | tr '\n\t' '  ')" >>/out/facts.txt
}

# Time limit of a command in seconds, for maintainer scripts that never end. apt takes minutes under emulation.
: "${RUN_SECONDS:=1800}"

# run NAME COMMAND...: writes its output to /out/NAME.log and its exit code to the fact NAME.exit; 124 after a timeout
run() {
	local name=$1 begin=$SECONDS code=0
	shift
	local limited=(timeout --kill-after=30 "$RUN_SECONDS")
	# timeout(1) cannot run functions.
	! declare -F "$1" >/dev/null || limited=(within "$RUN_SECONDS")
	"${limited[@]}" "$@" >"/out/$name.log" 2>&1 </dev/null || code=$?
	# After SIGKILL, timeout(1) returns 137.
	if [ $code -eq 137 ] && [ $((SECONDS - begin)) -ge "$RUN_SECONDS" ]; then code=124; fi
	# A command can have its own, shorter timeout, which also returns 124.
	if [ $code -eq 124 ] && [ $((SECONDS - begin)) -ge "$RUN_SECONDS" ]; then
		echo "turnbuild: $* did not finish within $RUN_SECONDS s" >>"/out/$name.log"
	fi
	fact "$name.exit" $code
	return $code
}

# abort CODE MESSAGE: ends a verification that cannot run here, which says nothing about the package.
abort() {
	echo "turnbuild-error: $1: $2" >&2
	exit 1
}

# Containers of one builder can share a network, where another process would answer instead of the server.
require_free_ports() {
	local port hex taken=
	for port in "$@"; do
		printf -v hex '%04X' "$port"
		! listening | grep -q ":$hex\$" || taken="$taken $port"
	done
	[ -z "$taken" ] || abort VERIFY_PORT_IN_USE "ports in use in the builder's network:$taken"
}

# run_apt NAME COMMAND...: like run, but an unreachable archive aborts the verification.
run_apt() {
	run "$@" && return 0
	if grep -qiE 'could not resolve|temporary failure resolving|failed to fetch|could not connect' "/out/$1.log"; then
		cat "/out/$1.log"
		abort NETWORK_FAILED "the package archive is unreachable, so packages cannot be installed in the minimal root"
	fi
	return 1
}

# The first global IPv4 address of this container, or loopback.
own_address() {
	local each
	for each in $(hostname -I 2>/dev/null); do
		case $each in *:*) continue ;; esac
		echo "$each"
		return
	done
	echo 127.0.0.1
}

# Limits of an HTTP response: bytes, and seconds including the connection. A complete page takes less than a second natively.
HTTP_BYTES=67108864
: "${HTTP_SECONDS:=60}"
# Seconds until a silent address counts as closed.
CONNECT_SECONDS=10

# http_get ADDRESS PORT PATH: prints the response body. Fails unless a complete response with status 200 arrives in time.
http_get() {
	within "$HTTP_SECONDS" read_page "$1" "$2" "$3" "$HTTP_BYTES"
}

# reachable ADDRESS PORT: whether a TCP connection can be opened.
reachable() {
	within "$CONNECT_SECONDS" open_connection "$1" "$2"
}

# within SECONDS FUNCTION ARGUMENT...: runs a function that calls no other function in a separate shell with a timeout
within() {
	export -f "${2?}"
	timeout --kill-after=30 "$1" bash -c '"$@"' bash "${@:2}"
}

read_page() {
	local status line
	{ exec 9<>"/dev/tcp/$1/$2"; } 2>/dev/null || return 1
	printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$3" "$1" >&9
	IFS= read -r -n 8192 status <&9 || return 1
	while IFS= read -r -n 8192 line <&9; do [ "$line" = $'\r' ] && break; done
	head -c "$4" <&9
	[[ $status == *' 200 '* ]]
}

open_connection() {
	{ exec 9<>"/dev/tcp/$1/$2"; } 2>/dev/null
}

# Process IDs of the servers by name: of turnserver, or of the runuser that started it.
declare -A servers

# start NAME CONFIGURATION PORT [METRICS-PORT]: starts the installed turnserver in the background as its own user. It logs to NAME.log,
# regardless of its configuration: old versions would log only to a file that they choose.
start() {
	local metrics=${4:-}
	grep -q '^prometheus' "$2" || metrics=
	launch "$1" "$3" "$metrics" runuser -u "$service_user" -- /usr/bin/turnserver -c "$2" --pidfile= --log-file=stdout
}

# launch NAME PORT METRICS-PORT COMMAND...: starts a turnserver in the background and waits up to 90 s until it serves clients, and metrics
# if a port is given. It does not wait for a log line, because the texts differ between versions.
launch() {
	local name=$1 port=$2 metrics=$3 waited=0
	shift 3
	"$@" >"/out/$name.log" 2>&1 </dev/null &
	servers[$name]=$!
	until reachable "$address" "$port" && { [ -z "$metrics" ] || reachable 127.0.0.1 "$metrics"; }; do
		if ! kill -0 "${servers[$name]}" 2>/dev/null || [ $waited -ge 450 ]; then
			fact "$name.ready" no
			return 1
		fi
		sleep 0.2
		waited=$((waited + 1))
	done
	fact "$name.ready" yes
	# UDP listeners and authentication threads start right after.
	sleep 1
}

# stop NAME: sends SIGTERM to turnserver and writes the exit code, which runuser passes on, to the fact NAME.stop; SIGKILL after 30 s.
stop() {
	local waited=0 server=${servers[$1]} children
	children=$(children_of "$server")
	# shellcheck disable=SC2086
	kill -TERM ${children:-$server} 2>/dev/null
	while kill -0 "$server" 2>/dev/null; do
		if [ $waited -ge 300 ]; then
			# shellcheck disable=SC2086
			kill -KILL $children "$server" 2>/dev/null
			fact "$1.stop" hung
			return
		fi
		sleep 0.1
		waited=$((waited + 1))
	done
	wait "$server"
	fact "$1.stop" $?
}

# children_of PID: reads /proc, because a minimal root has no procps.
children_of() {
	grep -lsE "^PPid:[[:space:]]+$1\$" /proc/[0-9]*/status | cut -d / -f 3
}

# listening [UID]: listening TCP and UDP sockets of one user or of all, one `tcp 0100007F:0D96` per line, in the kernel's notation:
# hexadecimal, and on these processors each four bytes of an address in reverse order.
# shellcheck disable=SC2120
listening() {
	local protocol file local_address state uid
	for protocol in tcp udp tcp6 udp6; do
		file=/proc/net/$protocol
		[ -r "$file" ] || continue
		while read -r _ local_address _ state _ _ _ uid _; do
			case $protocol:$state in tcp*:0A | udp*:07) ;; *) continue ;; esac
			[ -z "${1:-}" ] || [ "$1" = "$uid" ] || continue
			echo "$protocol $local_address"
		# grep first: bash reads byte by byte, and there can be thousands of closed connections.
		done < <(grep -E ':[0-9A-F]{4} (0A|07) ' "$file")
	done | LC_ALL=C sort -u
}
