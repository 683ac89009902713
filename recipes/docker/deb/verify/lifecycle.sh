# Install, remove, purge, upgrade from the distribution's own package.

apt_install() {
	apt-get install -qy --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

snapshot() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /out -o -path /inputs -o -path /tmp -o -path /turnbuild \
		-o -path /certificate -o -path /run -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -path /var/lib/dpkg \) \
		-prune -o -print 2>/dev/null | LC_ALL=C sort >"/out/$1.files"
}

install_fresh() {
	run_apt apt-update apt-get update -q -o APT::Update::Error-Mode=any
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
}

remove_and_purge() {
	# dpkg, not apt: nothing has to be resolved, and each start of apt costs half a minute under emulation.
	run remove dpkg --remove coturn
	fact remove.configuration "$([ -e /etc/turnserver.conf ] && echo kept || echo gone)"
	fact remove.program "$([ -e /usr/bin/turnserver ] && echo left || echo gone)"
	run purge dpkg --purge coturn
	fact purge.status "$(dpkg-query -W -f '${db:Status-Status}' coturn 2>/dev/null || echo gone)"
}

# Files that the package's whole life has left behind. Accounts, and what its dependencies own, are theirs.
leftovers() {
	LC_ALL=C comm -13 /out/before.files /out/after.files |
		grep -v -e '^/etc/\(passwd\|group\|shadow\|gshadow\|subuid\|subgid\)-\?$' -e '^/etc/\.pwd\.lock$' -e '^/etc/ld\.so\.cache$' \
			-e '^/var/lib/systemd' -e '^/etc/systemd/system/multi-user\.target\.wants$' >/tmp/leftovers
	grep -e turn /tmp/leftovers >/out/leftovers.txt || true
	rm -f /out/before.files /out/after.files
}

upgrade_from_distribution() {
	run_apt distribution apt_install coturn || return 0
	fact upgrade.from "$(dpkg-query -W -f '${Version}' coturn)"
	printf '\n# edited by the operator\nrealm=kept.example.org\n' >>/etc/turnserver.conf
	cp /etc/turnserver.conf /tmp/edited.conf
	run upgrade dpkg --install --force-confdef --force-confold /inputs/coturn.deb
	fact upgrade.to "$(dpkg-query -W -f '${Version}' coturn)"
	fact upgrade.status "$(dpkg-query -W -f '${db:Status-Status}' coturn)"
	fact upgrade.configuration "$(cmp -s /etc/turnserver.conf /tmp/edited.conf && echo kept || echo changed)"
	fact upgrade.initscript "$([ -e /etc/init.d/coturn ] && echo left || echo gone)"
	if start upgraded /etc/turnserver.conf; then stop upgraded; fi
	run upgrade-purge dpkg --purge coturn
}
