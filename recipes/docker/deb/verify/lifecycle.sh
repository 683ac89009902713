# Install, remove, purge, upgrade from the distribution's own package.

# A kept download would appear as an added file in the tree.
apt_install() {
	apt-get install -qy --no-install-recommends -o APT::Keep-Downloaded-Packages=false -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# satisfy NAME RELATIONS: installs exactly the dependencies that a package declares.
satisfy() {
	run_apt "$1" apt-get satisfy -qy --no-install-recommends "$2"
}

# Install dependencies before the first snapshot of the tree: their files stay, e.g. systemd's /etc/machine-id and accounts.
install_dependencies() {
	run_apt apt-update apt-get update -q -o APT::Update::Error-Mode=any
	satisfy dependencies "$(dpkg-deb -f /inputs/coturn.deb Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' | paste -sd,)"
}

install_dependencies_of_distribution() {
	satisfy dependencies-of-distribution "$(apt-cache show coturn | sed -n 's/^\(Pre-\)\?Depends: //p' | paste -sd,)"
}

install_fresh() {
	run_apt install apt_install /inputs/coturn.deb
	fact install.status "$(dpkg-query -W -f '${db:Status-Status}' coturn 2>/dev/null)"
	fact install.version "$(dpkg-query -W -f '${Version}' coturn 2>/dev/null)"
	dpkg-query -W -f '${Package}\n' | LC_ALL=C sort >/out/installed.packages
	fact install.user "$(getent passwd turnserver | cut -d: -f7)"
	fact install.group "$(getent group turnserver | cut -d: -f1)"
	fact install.database "$(stat -c '%U:%G' /var/lib/turn/turndb 2>/dev/null)"
	fact install.configuration "$(stat -c '%U:%G:%a' /etc/turnserver.conf 2>/dev/null)"
	fact install.tables "$(sqlite3 /var/lib/turn/turndb .tables 2>/dev/null)"
	fact install.manual "$(find /usr/share/man/man1 -name 'turnserver.1*' 2>/dev/null | head -n 1)"
	find /usr/bin -name 'turn*' -o -name coturn | while read -r file; do ldd "$file" 2>&1 | grep 'not found'; done >/out/unresolved.txt
	plant_link
}

# A compromised server can put links into its own folder. Check whether root follows one when the package is configured again.
plant_link() {
	local planted=/etc/turnbuild-planted database=/var/lib/turn/turndb
	[ -e "$database" ] || return 0
	mv "$database" /tmp/turndb
	ln -s "$planted" "$database"
	chown --no-dereference turnserver:turnserver "$database"
	DPKG_MAINTSCRIPT_NAME=postinst DPKG_MAINTSCRIPT_PACKAGE=coturn run install.links \
		/var/lib/dpkg/info/coturn.postinst configure "$(dpkg-query -W -f '${Version}' coturn)"
	fact install.links-followed "$([ -e "$planted" ] && stat -c '%U:%G' "$planted" || echo no)"
	rm -f "$planted" "$database"
	mv /tmp/turndb "$database"
}

remove_and_purge() {
	# dpkg, not apt: there are no dependencies to resolve, and each start of apt takes half a minute under emulation.
	run remove dpkg --remove coturn
	[ ! -d /run/systemd/system ] || observe remove
	fact remove.configuration "$([ -e /etc/turnserver.conf ] && echo kept || echo gone)"
	fact remove.program "$([ -e /usr/bin/turnserver ] && echo left || echo gone)"
	run purge dpkg --purge coturn
	fact purge.status "$(dpkg-query -W -f '${db:Status-Status}' coturn 2>/dev/null || echo gone)"
}

upgrade_from_distribution() {
	systemd_on
	run_apt distribution apt_install coturn || return 0
	observe distribution
	fact upgrade.from "$(dpkg-query -W -f '${Version}' coturn)"
	edit_configuration >>/etc/turnserver.conf
	cp /etc/turnserver.conf /tmp/edited.conf
	# No check needs its long comments.
	sed "s/^#.*/#/" /etc/turnserver.conf >/out/edited.conf
	run upgrade dpkg --install --force-confdef --force-confold /inputs/coturn.deb
	observe upgrade
	fact upgrade.to "$(dpkg-query -W -f '${Version}' coturn)"
	fact upgrade.status "$(dpkg-query -W -f '${db:Status-Status}' coturn)"
	fact upgrade.configuration "$(cmp -s /etc/turnserver.conf /tmp/edited.conf && echo kept || echo changed)"
	fact upgrade.initscript "$([ -e /etc/init.d/coturn ] && echo left || echo gone)"
	systemctl stop coturn.service
	# This phase reads the log file. With syslog, old versions write no file.
	sed '/^syslog/d' /etc/turnserver.conf >/tmp/upgraded.conf
	chmod 644 /tmp/upgraded.conf
	if start upgraded /tmp/upgraded.conf 3478; then stop upgraded; fi
	run upgrade-purge dpkg --purge coturn
	systemd_off
	# Without log-file, as in the distribution's configuration, turnserver logs there. Under systemd, PrivateTmp= discards it.
	rm -f /var/tmp/turn_*.log
}
