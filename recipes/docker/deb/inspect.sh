# Gathers static facts of a package, on the build platform; turnbuild judges them.
# in:  /inputs/coturn.deb, and /inputs/coturn-dbgsym.deb where there is one
# out: /out/elf/NNN.{path,header,dynamic,symbols,segments,notes}, /out/lintian.txt, /out/lintian-exit.txt, /out/systemd.txt, /out/control.txt,
#      /out/contents.txt, /out/coturn.rules.yml, /out/coturn.rules.test.yml, /out/grafana-dashboard.json, /out/promtool.txt,
#      /out/debug-ids.txt, /out/turnserver (the program)
set -eu
export LC_ALL=C.UTF-8
mkdir -p /out/elf /pkg /symbols
cd /tmp

dpkg-deb -f /inputs/coturn.deb >/out/control.txt
dpkg-deb -c /inputs/coturn.deb >/out/contents.txt
dpkg-deb -x /inputs/coturn.deb /pkg
number=0
find /pkg -type f | LC_ALL=C sort >/tmp/files
while read -r file; do
	readelf -h "$file" >/tmp/header 2>/dev/null || continue
	case $file in *.a) continue ;; esac
	number=$((number + 1))
	name=/out/elf/$(printf %03d $number)
	echo "${file#/pkg}" >"$name.path"
	mv /tmp/header "$name.header"
	readelf --wide -d "$file" >"$name.dynamic"
	readelf --wide --dyn-syms "$file" >"$name.symbols"
	readelf --wide -l "$file" >"$name.segments"
	readelf --wide -n "$file" >"$name.notes"
done </tmp/files

: >/out/debug-ids.txt
if [ -f /inputs/coturn-dbgsym.deb ]; then
	dpkg-deb -x /inputs/coturn-dbgsym.deb /symbols
	find /symbols -name '*.debug' | sed 's,.*/\(..\)/\(.*\)\.debug,\1\2,' | LC_ALL=C sort >/out/debug-ids.txt
fi

set -- /inputs/coturn.deb
[ ! -f /inputs/coturn-dbgsym.deb ] || set -- "$@" /inputs/coturn-dbgsym.deb
# As a build would be judged for upload. 0 and 2 say whether there are tags of weight, which are read from the text; with
# any other code it has not worked.
code=0
lintian --no-cfg --allow-root --show-overrides --tag-display-limit 0 "$@" >/out/lintian.txt 2>/out/lintian-errors.txt || code=$?
echo $code >/out/lintian-exit.txt

unit=$(find /pkg/usr/lib/systemd /pkg/lib/systemd -name coturn.service 2>/dev/null | head -n 1)
if [ -n "$unit" ]; then
	cp "$unit" /tmp/coturn.service
	systemd-analyze security --offline=true --no-pager /tmp/coturn.service >/out/systemd.txt 2>&1 || true
	cp "$unit" /out/coturn.service
fi
[ ! -f /pkg/usr/bin/turnserver ] || cp /pkg/usr/bin/turnserver /out/turnserver
[ ! -f /pkg/etc/turnserver.conf ] || cp /pkg/etc/turnserver.conf /out/turnserver.conf

monitoring=/pkg/usr/share/doc/coturn/monitoring
if [ -d $monitoring ]; then
	for what in check test; do
		file=coturn.rules.yml
		[ $what = check ] || file=coturn.rules.test.yml
		code=0
		(cd $monitoring && promtool $what rules $file) 2>&1 || code=$?
		echo "$what exit $code"
	done >/out/promtool.txt
	for name in coturn.rules.yml coturn.rules.test.yml grafana-dashboard.json; do
		[ ! -f $monitoring/$name ] || cp $monitoring/$name /out/
	done
fi
