# Makes coturn and coturn-dbgsym .deb files from an installed tree.
# in:  /inputs/tree.tar, /inputs/debug.tar (from build.sh), /inputs/packaging/ (rendered files);
#      DEB_ARCH, GNU_TRIPLE, SOURCE_DATE_EPOCH, PACKAGE_VERSION
# out: /out/*.deb
set -eu
export LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH
umask 022

packaging=/inputs/packaging
root=/pkg/coturn
symbols=/pkg/coturn-dbgsym
doc=$root/usr/share/doc/coturn
mkdir -p /out "$root/DEBIAN" "$symbols/DEBIAN"
tar -xf /inputs/tree.tar -C "$root"
tar -xf /inputs/debug.tar -C "$symbols"

# Use the distribution's layout, so that the package upgrades the distribution's coturn in place.
cd "$root"
rm -rf usr/share/doc/coturn/LICENSE usr/share/doc/coturn/INSTALL usr/share/doc/coturn/postinstall.txt \
	usr/share/doc/coturn/examples/ca usr/share/doc/coturn/examples/etc/*.pem etc/turnserver.conf.default var/lib/turn/turndb
if [ -d usr/include/turn/client ]; then
	# The distribution installs the client headers one level up.
	mv usr/include/turn/client/* usr/include/turn/
	rmdir usr/include/turn/client
fi
find . -name '*.pem' -delete
# The configuration refers to certificates in etc/coturn.
install -d -m 755 etc/coturn etc/default etc/ufw/applications.d usr/lib/systemd/system var/lib/turn \
	usr/share/coturn usr/share/lintian/overrides "$doc/monitoring"
install -m 644 $packaging/turnserver.conf etc/turnserver.conf
install -m 644 $packaging/coturn.default etc/default/coturn
install -m 644 $packaging/ufw.profile etc/ufw/applications.d/turnserver
install -m 644 $packaging/coturn.service usr/lib/systemd/system/coturn.service
# postinst uses these to read the administrator's configuration.
install -m 644 $packaging/options $packaging/unknown-options.awk usr/share/coturn/
# The bill of materials (SBOM), for vulnerability scanners.
install -m 644 $packaging/coturn.cdx.json usr/share/coturn/
install -m 644 $packaging/monitoring/* "$doc/monitoring/"
install -m 644 $packaging/lintian-overrides usr/share/lintian/overrides/coturn
install -m 644 $packaging/copyright "$doc/copyright"
install -m 644 $packaging/changelog "$doc/changelog.Debian"
install -m 644 $packaging/NEWS "$doc/NEWS.Debian"
install -m 644 $packaging/README "$doc/README.Debian"
install -D -m 644 $packaging/sysctl.conf "$doc/examples/sysctl.d/60-coturn.conf"
mv "$doc/ChangeLog" "$doc/changelog"
ln -sf turnserver usr/bin/coturn
ln -sf turnutils_uclient usr/bin/turnutils
ln -sfn turnserver usr/bin/turnadmin
find usr/share/man -type f -exec gzip -9n {} +
find usr/share/man -type l | while read -r link; do
	target=$(readlink "$link")
	case $target in *.gz) continue ;; esac
	rm "$link"
	ln -s "$target.gz" "$link.gz"
done
# Debian policy 12.7 requires compressed changelogs and NEWS. README.Debian stays readable with any pager.
gzip -9n "$doc/changelog" "$doc/changelog.Debian" "$doc/NEWS.Debian"
find "$doc" -maxdepth 1 -type f ! -name copyright ! -name README.Debian ! -name '*.gz' -size +3k -exec gzip -9n {} +
# Upstream's install target sets mode 755 on every file.
find . -type d -exec chmod 755 {} +
find . -type f ! -path './usr/bin/*' ! -name '*.sh' -exec chmod 644 {} +
find . -type f \( -path './usr/bin/*' -o -name '*.sh' \) -exec chmod 755 {} +

# Dependencies are computed from the binaries against the target distribution's own symbols files.
mkdir -p /pkg/work/debian
cd /pkg/work
cp $packaging/control debian/control
cp $packaging/changelog debian/changelog
export DEB_HOST_ARCH="$DEB_ARCH"
find "$root/usr/bin" -type f -exec sh -c '"$0-readelf" -h "$1" >/dev/null 2>&1' "$GNU_TRIPLE" {} \; -print >binaries
xargs dpkg-shlibdeps -Tdebian/substvars <binaries
for script in preinst postinst prerm postrm; do
	install -m 755 "$packaging/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find etc -type f | LC_ALL=C sort | sed 's,^,/,') >"$root/DEBIAN/conffiles"

finish() {
	package=$1
	dir=$2
	(cd "$dir" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort | xargs -r md5sum) >"$dir/DEBIAN/md5sums"
	shift 2
	dpkg-gencontrol -p"$package" -P"$dir" -Tdebian/substvars -v"$PACKAGE_VERSION" "$@"
	find "$dir" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
	# One thread: the number of threads changes the compressed bytes.
	dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$dir" "/out/${package}_${PACKAGE_VERSION}_${DEB_ARCH}.deb"
}
ids=$(cd "$symbols" && find usr/lib/debug/.build-id -name '*.debug' | sed 's,.*/\(..\)/\(.*\)\.debug,\1\2,' | LC_ALL=C sort | tr '\n' ' ')
finish coturn "$root"
install -d "$symbols/usr/share/doc"
ln -s coturn "$symbols/usr/share/doc/coturn-dbgsym"
finish coturn-dbgsym "$symbols" "-DBuild-Ids=${ids% }"
