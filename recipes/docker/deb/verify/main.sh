# Installs a package in a minimal root of its distribution and uses it; gathers facts, which turnbuild judges.
# in:  /inputs/coturn.deb, /inputs/tools.tar (turnutils_rfc5769check; of a build only), /certificate/{cert,key}.pem
# out: /out/facts.txt (name TAB value), /out/*.log, /out/*.metrics
set -u
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
mkdir -p /out
: >/out/facts.txt
here=/turnbuild

# shellcheck source=/dev/null
for part in lib snapshot upgrades lifecycle shipped traffic; do . "$here/$part.sh"; done

require_free_ports 3478 3480 5349 5766 9641
address=$(own_address)
fact address "$address"

snapshot before
install_fresh
if [ -x /usr/bin/turnserver ]; then
	check_vectors
	check_shipped_configuration
	for credentials in long-term rest-secret; do check_traffic "$credentials"; done
	upgrade_while_running
fi
remove_and_purge
systemd_off
snapshot purge
compare before purge
upgrade_from_distribution
snapshot upgrade-purge
compare before upgrade-purge
exit 0
