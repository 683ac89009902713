# Upgrades a package while its server runs: several upgrades that fail, and one that succeeds.

# variant NUMBER: unpacks the package as a newer version in /tmp/variant, where the caller breaks it.
variant() {
	rm -rf /tmp/variant
	dpkg-deb --raw-extract /inputs/coturn.deb /tmp/variant
	sed -i "s/^Version: .*/&+$1/" /tmp/variant/DEBIAN/control
}

pack_variant() {
	dpkg-deb --root-owner-group -Znone --build /tmp/variant /tmp/variant.deb >/dev/null
}

# The second line of a maintainer script is `set -e`.
spoil() {
	sed -i "2a $2" "/tmp/variant/DEBIAN/$1"
}

upgrade_while_running() {
	systemd_on
	systemctl start coturn.service
	observe running

	variant 1
	pack_variant
	head -c $(($(stat -c %s /tmp/variant.deb) * 2 / 3)) /tmp/variant.deb >/tmp/truncated.deb
	run truncated dpkg --install /tmp/truncated.deb
	observe truncated

	variant 2
	spoil preinst 'exit 1'
	pack_variant
	run preinst-fails dpkg --install /tmp/variant.deb
	observe preinst-fails

	variant 3
	spoil postinst '[ ! -e /tmp/full ] || exit 1'
	pack_variant
	touch /tmp/full
	run postinst-fails dpkg --install /tmp/variant.deb
	observe postinst-fails
	rm /tmp/full
	run recovered dpkg --configure --pending
	observe recovered

	variant 4
	pack_variant
	run upgraded-running dpkg --install /tmp/variant.deb
	observe upgraded-running
	rm -rf /tmp/variant /tmp/variant.deb /tmp/truncated.deb
}
