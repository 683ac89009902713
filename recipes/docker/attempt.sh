# Sourced. Installs a package for the laboratory.

# limited COMMAND...: stops a maintainer script that never ends. apt takes minutes under emulation.
limited() {
	timeout --kill-after=30 1800 "$@"
}

# attempt ROOT COMMAND...: records a failed installation in ROOT/not-installed, which the laboratory reads.
# An unreachable archive says nothing about the package, so the step fails.
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
		# QEMU is too old, which says nothing about the package either. src/stages/shared/machine-error.ts recognises this message.
		exit 1
	fi
	tail -n 20 /tmp/attempt.log >"$installed/not-installed"
}

unreachable() {
	echo "turnbuild-error: $1: the package archive is unreachable, so the package cannot be installed for the laboratory" >&2
	exit 1
}
