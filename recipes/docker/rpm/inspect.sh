# Gathers static facts about a package on the build platform. turnbuild judges them.
# in:  /inputs/coturn.rpm, /inputs/coturn-debuginfo.rpm (optional), /inputs/coturn.tar.gz (optional)
# out: as described in inspection.sh; /out/control.txt, /out/contents.txt, /out/requires.txt, /out/rpmlint.txt, /out/rpmlint-exit.txt,
#      /out/tarball-elf/NNN.*, /out/tarball.conf, /out/tarball.cdx.json
set -eu
export LC_ALL=C.UTF-8
mkdir -p /out /pkg /symbols /tarball
cd /tmp
. /turnbuild/inspection.sh

# The same limits as in deb/inspect.sh. An .rpm has no sparse files.
most=1073741824
for file in coturn.rpm coturn-debuginfo.rpm; do
	[ -f /inputs/$file ] || continue
	packed=$(rpm2archive - </inputs/$file | gzip -dc | head -c $((most + 1)) | wc -c)
	entries=$(rpm2archive - </inputs/$file | gzip -dc | head -c $((most + 1)) | tar -t | wc -l)
	[ "$packed" -le $most ] && [ "$entries" -le 100000 ] || {
		echo "turnbuild-error: RPM_INVALID: $file unpacks to more than 1 GiB, or to more than 100,000 files" >&2
		exit 1
	}
done

rpm -qp --nosignature --queryformat 'Package: %{NAME}\nVersion: %{VERSION}-%{RELEASE}\nArchitecture: %{ARCH}\nLicense: %{LICENSE}\n' \
	/inputs/coturn.rpm >/out/control.txt
rpm -qp --nosignature --verbose --list /inputs/coturn.rpm >/out/contents.txt
rpm -qp --nosignature --requires /inputs/coturn.rpm | LC_ALL=C sort -u >/out/requires.txt
rpm2archive - </inputs/coturn.rpm | tar -xz -C /pkg
read_elf /pkg /out/elf
read_library /pkg

: >/out/debug-ids.txt
if [ -f /inputs/coturn-debuginfo.rpm ]; then
	rpm2archive - </inputs/coturn-debuginfo.rpm | tar -xz -C /symbols
	read_symbols
fi
if [ -f /inputs/coturn.tar.gz ]; then
	tar -xzf /inputs/coturn.tar.gz -C /tarball --strip-components=1
	read_elf /tarball /out/tarball-elf
	take /tarball/etc/turnserver.conf /out/tarball.conf
	take /tarball/share/coturn.cdx.json /out/tarball.cdx.json
fi

set -- /inputs/coturn.rpm
[ ! -f /inputs/coturn-debuginfo.rpm ] || set -- "$@" /inputs/coturn-debuginfo.rpm
# Exit codes 0 and 64 tell whether there are errors, which turnbuild reads from the text. Any other code means that rpmlint itself failed.
code=0
timeout --signal=KILL 900 rpmlint --config /turnbuild/inspect-rpmlint.toml "$@" >/out/rpmlint.txt 2>/out/rpmlint-errors.txt || code=$?
echo $code >/out/rpmlint-exit.txt

read_files /etc/coturn/turnserver.conf
for name in README.rpm ChangeLog; do read_document /usr/share/doc/coturn/$name $name; done
read_document /usr/share/doc/coturn/examples/sysctl.d/60-coturn.conf sysctl.conf
require_results /out
