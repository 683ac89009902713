# What is read of a package of any format, once it is unpacked in /pkg. Read in by deb/inspect.sh and rpm/inspect.sh.

# read_elf TREE OUT: OUT/NNN.{path,header,dynamic,symbols,versions,segments,notes} of each program beneath a folder.
read_elf() {
	number=0
	mkdir -p "$2"
	find "$1" -type f | LC_ALL=C sort >/tmp/files
	while read -r file; do
		readelf -h "$file" >/tmp/header 2>/dev/null || continue
		case $file in *.a) continue ;; esac
		number=$((number + 1))
		name=$2/$(printf %03d $number)
		echo "${file#"$1"}" >"$name.path"
		mv /tmp/header "$name.header"
		readelf --wide -d "$file" >"$name.dynamic"
		readelf --wide --dyn-syms "$file" >"$name.symbols"
		readelf --wide -V "$file" >"$name.versions"
		readelf --wide -l "$file" >"$name.segments"
		readelf --wide -n "$file" >"$name.notes"
	done </tmp/files
}

# read_library TREE: what coturn's own static library calls. It is of coturn's sources alone, and compiled as they all are.
read_library() {
	find "$1" -name libturnclient.a -exec readelf --wide --symbols {} ';' >/out/library.txt
}

# read_symbols: build ids of those files of /symbols that have debug information and lie where debuggers look, in /out/debug-ids.txt
read_symbols() {
	find /symbols -name '*.debug' | while read -r file; do
		id=$(readelf --notes "$file" | sed -n 's/.*Build ID: //p')
		case $file in */"${id%"${id#??}"}/${id#??}.debug") ;; *) continue ;; esac
		! readelf --wide -S "$file" | grep -q ' \.debug_info ' || echo "$id"
	done | LC_ALL=C sort >/out/debug-ids.txt
}

# read_files CONFIGURATION: /out/{systemd.txt,coturn.service,turnserver,turnserver.conf,coturn.rules.yml,coturn.rules.test.yml,
# grafana-dashboard.json,promtool.txt,coturn.cdx.json,openssl.txt}
read_files() {
	unit=$(find /pkg/usr/lib/systemd /pkg/lib/systemd -name coturn.service 2>/dev/null | head -n 1)
	if [ -n "$unit" ]; then
		cp "$unit" /tmp/coturn.service
		systemd-analyze security --offline=true --no-pager /tmp/coturn.service >/out/systemd.txt 2>&1 || true
		cp "$unit" /out/coturn.service
	fi
	[ ! -f /pkg/usr/bin/turnserver ] || {
		cp /pkg/usr/bin/turnserver /out/turnserver
		# A library that is linked in says its version in the program.
		grep -aoE 'OpenSSL [0-9]+[.][0-9]+[.][0-9]+' /out/turnserver | LC_ALL=C sort -u >/out/openssl.txt || true
	}
	[ ! -f /pkg/usr/share/coturn/coturn.cdx.json ] || cp /pkg/usr/share/coturn/coturn.cdx.json /out/
	[ ! -f "/pkg$1" ] || cp "/pkg$1" /out/turnserver.conf

	monitoring=/pkg/usr/share/doc/coturn/monitoring
	[ -d $monitoring ] || return 0
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
}
