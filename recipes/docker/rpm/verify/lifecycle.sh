# Install, erase, and upgrade from an older package with EPEL's layout.

# Install from local files and from the repository that the root was made from. A given root has its own repositories.
repositories=(--disablerepo='*' '--repofrompath=floor,file:///repository' --nogpgcheck --releasever=1)
[ -d /repository ] || repositories=()
# Set the architecture: dnf would ask the kernel, which is the build platform's.
[ ! -d /native ] || repositories+=(--forcearch="$(uname -m)")

# An unreadable repository aborts the verification, because it says nothing about the package.
run_dnf() {
	run "$1" dnf -y "${repositories[@]}" --setopt=install_weak_deps=False "${@:2}" && return 0
	if grep -qiE 'failed to download metadata|cannot download|checksum doesn.t match|all mirrors were tried|curl error' "/out/$1.log"; then
		cat "/out/$1.log"
		abort REPOSITORY_FAILED "dnf cannot read a repository: $(grep -im 1 error "/out/$1.log")"
	fi
	return 1
}

# A root that rpm manages has most dependencies already. dnf's lists of packages show which ones it adds.
install_dependencies() { :; }
install_dependencies_of_distribution() { :; }

install_fresh() {
	rpm -qa | LC_ALL=C sort >/tmp/before.packages
	run_dnf install install /inputs/coturn.rpm
	fact install.version "$(package_state)"
	fact install.root "$([ -d /repository ] && echo made || echo given)"
	rpm -qa | LC_ALL=C sort | LC_ALL=C comm -13 /tmp/before.packages - >/out/installed.packages
	fact install.user "$(getent passwd coturn | cut -d: -f7)"
	fact install.group "$(getent group coturn | cut -d: -f1)"
	fact install.state "$(stat -c '%U:%G:%a' /var/lib/coturn 2>/dev/null)"
	fact install.configuration "$(stat -c '%U:%G:%a' "$configuration" 2>/dev/null)"
	fact install.manual "$(find /usr/share/man/man1 -name 'turnserver.1*' 2>/dev/null | head -n 1)"
	# Verify mode, owner and digest of each file.
	run rpm-verify rpm --verify coturn
	find /usr/bin -name 'turn*' | while read -r file; do ldd "$file" 2>&1 | grep 'not found'; done >/out/unresolved.txt
}

# The last step: the remaining tree is compared with the tree before the installation.
remove_and_purge() {
	run_dnf remove remove --noautoremove coturn
	[ ! -d /run/systemd/system ] || observe remove
	fact remove.program "$([ -e /usr/bin/turnserver ] && echo left || echo gone)"
	fact remove.status "$(package_state)"
}

upgrade_from_distribution() {
	# Simulate a machine that never had this package: erasing it keeps data and logs.
	rm -rf /var/lib/coturn /var/log/coturn
	systemd_on
	run_dnf distribution install /variants/epel.rpm /variants/epel-utils.rpm || return 0
	# Start the service as an administrator does.
	systemctl start coturn.service
	observe distribution
	fact upgrade.from "$(package_state)"
	edit_configuration >>"$configuration"
	timeout --kill-after=5 120 turnadmin --add --user kept --realm example.org --password not-a-secret --db /var/lib/coturn/turndb >/out/account.log 2>&1
	cp "$configuration" /tmp/edited.conf
	# No check needs its long comments.
	sed "s/^#.*/#/" "$configuration" >/out/edited.conf
	run_dnf upgrade upgrade /inputs/coturn.rpm
	observe upgrade
	fact upgrade.to "$(package_state)"
	fact upgrade.utils "$(rpm -q coturn-utils >/dev/null 2>&1 && echo left || echo replaced)"
	fact upgrade.configuration "$(cmp -s "$configuration" /tmp/edited.conf && echo kept || echo changed)"
	fact upgrade.account "$(timeout --kill-after=5 120 turnadmin --list --db /var/lib/coturn/turndb 2>&1 | grep -c '^kept')"
	systemctl stop coturn.service
	# This phase reads the log file. With syslog, old versions write no file.
	sed '/^syslog/d' "$configuration" >/tmp/upgraded.conf
	chmod 644 /tmp/upgraded.conf
	if start upgraded /tmp/upgraded.conf 3478; then stop upgraded; fi
	run_dnf upgrade-remove remove --noautoremove coturn
	fact upgrade-remove.saved "$(cmp -s "$configuration.rpmsave" /tmp/edited.conf && echo saved || echo gone)"
	# The upgrade puts the shipped configuration beside the edited one. The administrator removes both.
	fact upgrade-remove.new "$([ -f "$configuration.rpmnew" ] && echo there || echo missing)"
	rm -f "$configuration.rpmsave" "$configuration.rpmnew"
	rmdir "${configuration%/*}" 2>/dev/null
	systemd_off
	# Without log-file turnserver logs there.
	rm -f /var/log/turn_*.log /var/tmp/turn_*.log
}
