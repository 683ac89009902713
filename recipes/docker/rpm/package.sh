# Makes the coturn and coturn-debuginfo .rpm files from an installed tree, a source package and, if the programs need only the C library, a
# .tar.gz.
# in:  /inputs/tree.tar, /inputs/debug.tar, /inputs/licenses.tar (from build.sh), /inputs/packaging/ (rendered files);
#      DEB_ARCH, SOURCE_DATE_EPOCH, PACKAGE_VERSION; TARBALL and SOURCE_RPM, the names of these files, or empty;
#      for a source package /inputs/source/ (the inputs of compile.sh) and /inputs/sources.tar (sources of statically linked libraries)
# out: /out/*.rpm, /out/$TARBALL, /out/$SOURCE_RPM
set -eu
export LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH
umask 022

fail() {
	echo "turnbuild-error: $1: $2" >&2
	exit 1
}

case $DEB_ARCH in
amd64) arch=x86_64 ;;
arm64) arch=aarch64 ;;
*) fail ARCH_UNKNOWN "unknown architecture $DEB_ARCH: it has no rpm name here" ;;
esac
mkdir -p /out /rpm /empty
[ -f /inputs/licenses.tar ] || tar -cf /inputs/licenses.tar --files-from /dev/null

# build ARGUMENT...: runs rpmbuild with the distribution's macros and these only, not the user's. One thread compresses, because the number
# of threads changes the bytes.
build() {
	HOME=/empty rpmbuild --nodeps --define "_topdir /rpm" --define "_rpmdir /rpm/out" --define "_srcrpmdir /rpm/out" \
		--define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
		--define "_buildhost turnbuild" --define "use_source_date_epoch_as_buildtime 1" \
		--define "clamp_mtime_to_source_date_epoch 1" --define "source_date_epoch_from_changelog 0" \
		--define "_binary_payload w7.xzdio" --define "_source_payload w7.xzdio" \
		--define "_defaultlicensedir /usr/share/licenses" --define "_docdir /usr/share/doc" "$@" \
		/inputs/packaging/coturn.spec >/tmp/rpmbuild.log 2>&1 || {
		cat /tmp/rpmbuild.log
		fail SPEC_FAILED "rpmbuild failed: $(grep -m 1 -iE 'error:|line [0-9]+' /tmp/rpmbuild.log)"
	}
	cat /tmp/rpmbuild.log
}
build -bb --target "$arch-linux" \
	--define "turnbuild_tree /inputs/tree.tar" --define "turnbuild_debug /inputs/debug.tar" \
	--define "turnbuild_licenses /inputs/licenses.tar" --define "turnbuild_packaging /inputs/packaging"

# pack FOLDER FILE: reproducible: the same files give the same bytes.
pack() {
	tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
		--mode=u+rwX,go+rX,go-w -C "$1" -cf "$2" .
}

# The source package has the same spec file, which compiles coturn if it gets no installed tree.
if [ -n "$SOURCE_RPM" ]; then
	mkdir -p /rpm/SOURCES /packaging
	cp -R /inputs/packaging/. /packaging/
	# Files of the other kind of build.
	rm -rf /packaging/coturn.spec /packaging/coturn.cdx.json /packaging/tarball
	pack /inputs/source /rpm/SOURCES/source.tar
	pack /packaging /rpm/SOURCES/packaging.tar
	cp /turnbuild/compile.sh /rpm/SOURCES/
	[ -f /inputs/sources.tar ] || tar -cf /inputs/sources.tar --files-from /dev/null
	cp /inputs/sources.tar /rpm/SOURCES/linked-in.tar
	chmod 644 /rpm/SOURCES/*
	find /rpm/SOURCES /inputs/packaging/coturn.spec -type f -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
	# A fixed architecture, because the source package would otherwise record the build machine's.
	build -bs --target x86_64-linux
	[ -f "/rpm/out/$SOURCE_RPM" ] || fail SPEC_FAILED "rpmbuild did not create $SOURCE_RPM"
fi
mv /rpm/out/*.rpm /out/

[ -n "$TARBALL" ] || exit 0
# A relocatable folder that any user can unpack and run.
name=${TARBALL%-linux-*}
root=/tarball/$name
mkdir -p "$root/bin" "$root/etc" "$root/share" "$root/doc/monitoring" "$root/man" "$root/licenses" "$root/var"
tar -xf /inputs/tree.tar -C /rpm
cp -P /rpm/usr/bin/* "$root/bin/"
ln -sfn turnserver "$root/bin/turnadmin"
cp /inputs/packaging/tarball/turnserver.conf "$root/etc/"
cp -R /rpm/usr/share/coturn/. "$root/share/"
cp /inputs/packaging/options /inputs/packaging/unknown-options.awk "$root/share/"
cp /inputs/packaging/tarball/coturn.cdx.json "$root/share/"
cp -R /rpm/usr/share/man/. "$root/man/"
cp /rpm/usr/share/doc/coturn/README.* /rpm/usr/share/doc/coturn/ChangeLog "$root/doc/"
cp /inputs/packaging/monitoring/* "$root/doc/monitoring/"
cp /rpm/usr/share/doc/coturn/LICENSE "$root/licenses/"
tar -xf /inputs/licenses.tar -C "$root/licenses"
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 644 {} +
find "$root" -type f \( -path '*/bin/*' -o -name '*.sh' \) -exec chmod 755 {} +
chmod 700 "$root/var"
tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C /tarball -cf - "$name" |
	gzip -n >"/out/$TARBALL"
