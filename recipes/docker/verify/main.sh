# Installs a package in a minimal root of its target and uses it. Gathers facts, which turnbuild judges. Each format has its own format.sh,
# lifecycle.sh and upgrades.sh.
# $1:  the part: prepare, use, prepare-replacing or replace. Each continues in the tree of the previous one, without its processes.
# in:  /inputs/coturn.deb or /inputs/coturn.rpm, /inputs/tools.tar (turnutils_rfc5769check, only after a build), /certificate/{cert,key}.pem
#      PHASES: the phases to run, separated by spaces (src/checks/needs.ts); empty for all
# out: /out/facts.txt (name TAB value), /out/*.log, /out/*.metrics
set -u
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
mkdir -p /out
[ "$1" != prepare ] || : >/out/facts.txt
# Exclude /usr/local, where a package could put programs that replace these tools.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
here=/turnbuild
# In a foreign root, apt, dpkg, shells and similar tools are the build platform's. Only the package's and its dependencies' programs run
# under QEMU.
# shellcheck source=/dev/null
[ ! -d /native ] || . /native/environment

# shellcheck source=/dev/null
for part in format lib edits service upgrades lifecycle shipped traffic; do . "$here/$part.sh"; done
# shellcheck source=/dev/null
[ ! -f "$here/tarball.sh" ] || . "$here/tarball.sh"

require_free_ports 3478 3480 3488 5349 5359 5766 9641
address=$(own_address)

# chosen PHASE: whether to run it.
chosen() {
	[ -z "${PHASES:-}" ] || [[ " $PHASES " == *" $1 "* ]]
}

# phase NAME COMMAND...: runs it and writes its duration to the fact seconds.NAME. No subshell, so that its processes stay our children.
phase() {
	local name=$1 begin=$SECONDS
	shift
	"$@"
	fact "seconds.$name" $((SECONDS - begin))
}

use() {
	# The upgrade phases use this client. timeout, because the package may have put a FIFO there.
	timeout 60 cp /usr/bin/turnutils_stunclient /tmp/stunclient
	! chosen vectors || check_vectors
	! chosen shipped || phase shipped check_shipped_configuration
	! chosen utilities || phase utilities check_utilities
	! chosen shipped || phase refusals finish_shipped_configuration
	chosen upgrades || return 0
	# The phase `shipped` has tested the shipped relay range. The upgrades use a small one.
	cp -p "$configuration" /tmp/shipped.conf
	small_range >>"$configuration"
	phase upgrades upgrade_while_running
	cp -p /tmp/shipped.conf "$configuration"
}

purge() {
	remove_and_purge
	systemd_off
}

case $1 in
prepare)
	fact address "$address"
	! chosen install || phase dependencies install_dependencies
	;;
use)
	if chosen tarball && [ -f "$here/tarball.sh" ]; then phase tarball use_tarball; fi
	chosen install || exit 0
	phase install install_fresh
	[ ! -x /usr/bin/turnserver ] || use
	! chosen purge || phase purge purge
	list_owned
	;;
prepare-replacing)
	! chosen distribution || phase dependencies-of-distribution install_dependencies_of_distribution
	;;
replace)
	chosen distribution || exit 0
	phase distribution upgrade_from_distribution
	list_owned
	;;
esac
exit 0
