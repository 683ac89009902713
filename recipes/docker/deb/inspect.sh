# Gathers static facts about a package on the build platform. turnbuild judges them.
# in:  /inputs/coturn.deb, /inputs/coturn-dbgsym.deb (optional)
# out: /out/elf/NNN.{path,header,dynamic,symbols,versions,segments,notes}, /out/library.txt, /out/lintian.txt, /out/lintian-exit.txt, /out/systemd.txt, /out/control.txt,
#      /out/contents.txt, /out/coturn.rules.yml, /out/coturn.rules.test.yml, /out/grafana-dashboard.json, /out/promtool.txt,
#      /out/debug-ids.txt, /out/documents/*, /out/unread.txt, /out/turnserver (the program)
set -eu
export LC_ALL=C.UTF-8
mkdir -p /out /pkg /symbols
cd /tmp
. /turnbuild/inspection.sh
. /turnbuild/inspect-read.sh

# A small archive can unpack to any size and fill the builder's disk. coturn's control files are a thousand times smaller than this limit.
most=1073741824
most_control=16777216
for file in /inputs/coturn.deb /inputs/coturn-dbgsym.deb; do
	[ -f $file ] || continue
	# lintian unpacks the control archive. If it is damaged, dpkg-deb reports the error again below.
	control=$(dpkg-deb --ctrl-tarfile $file 2>/dev/null | head -c $((most_control + 1)) | wc -c)
	[ "$control" -le $most_control ] || {
		echo "turnbuild-error: DEB_INVALID: the control files of ${file##*/} unpack to more than 16 MiB" >&2
		exit 1
	}
	packed=$(dpkg-deb --fsys-tarfile $file 2>/dev/null | head -c $((most + 1)) | wc -c)
	# A sparse file is smaller in the archive than on disk. Numeric owners: a name with a blank would shift the size column.
	[ "$packed" -le $most ] && dpkg-deb --fsys-tarfile $file 2>/dev/null | tar -tv --numeric-owner 2>/dev/null |
		awk -v most=$most '{ sum += $3 } END { exit sum > most || NR > 100000 }' || {
		echo "turnbuild-error: DEB_INVALID: ${file##*/} unpacks to more than 1 GiB, or to more than 100,000 files" >&2
		exit 1
	}
done

read_deb /inputs/coturn.deb -f >/out/control.txt
read_deb /inputs/coturn.deb -c >/out/contents.txt
read_deb /inputs/coturn.deb -x /pkg
read_elf /pkg /out/elf
read_library /pkg

: >/out/debug-ids.txt
if [ -f /inputs/coturn-dbgsym.deb ]; then
	read_deb /inputs/coturn-dbgsym.deb -x /symbols
	read_symbols
fi

set -- /inputs/coturn.deb
[ ! -f /inputs/coturn-dbgsym.deb ] || set -- "$@" /inputs/coturn-dbgsym.deb
# Lint as for an upload to Debian. Exit codes 0 and 2 tell whether there are serious tags, which turnbuild reads from the text. Any
# other code means that lintian itself failed.
code=0
timeout --signal=KILL 900 lintian --no-cfg --allow-root --show-overrides --tag-display-limit 0 "$@" >/out/lintian.txt 2>/out/lintian-errors.txt || code=$?
echo $code >/out/lintian-exit.txt

read_files /etc/turnserver.conf
for name in README.Debian NEWS.Debian changelog changelog.Debian; do read_document /usr/share/doc/coturn/$name $name; done
read_document /usr/share/doc/coturn/examples/sysctl.d/60-coturn.conf sysctl.conf
require_results /out
