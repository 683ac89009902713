# Sourced. Installs a package for the laboratory.

# limited COMMAND...: a maintainer script that waits for ever must not hold the laboratory. apt takes minutes under emulation.
limited() {
	timeout --kill-after=30 1800 "$@"
}

# attempt ROOT COMMAND...: a package that can't be installed is a fact, and is left in ROOT/not-installed for the laboratory to find.
# An archive that can't be reached says nothing about the package: that fails.
attempt() {
	installed=$1 status=0
	shift
	("$@") >/tmp/attempt.log 2>&1 </dev/null || status=$?
	case $status in 124 | 137) echo "turnbuild: the installation did not finish within 1800 s" >>/tmp/attempt.log ;; esac
	cat /tmp/attempt.log
	if [ $status -eq 0 ] && [ -x "$installed/usr/bin/turnserver" ]; then return; fi
	if grep -qiE 'could not resolve|temporary failure resolving|failed to fetch|could not connect' /tmp/attempt.log; then
		unreachable NETWORK_FAILED
	elif grep -qiE 'failed to download metadata|cannot download|checksum doesn.t match|all mirrors were tried|curl error' /tmp/attempt.log; then
		unreachable REPOSITORY_FAILED
	elif grep -q 'pauth-impdef.* not found' /tmp/attempt.log; then
		# Nor does a QEMU that is too old. src/stages/shared/machine-error.ts knows what it says.
		exit 1
	fi
	tail -n 20 /tmp/attempt.log >"$installed/not-installed"
}

unreachable() {
	echo "turnbuild-error: $1: the package archive could not be reached while installing for the laboratory" >&2
	exit 1
}
