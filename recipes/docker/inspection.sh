# Reads a package of any format that is unpacked in /pkg. Sourced by deb/inspect.sh and rpm/inspect.sh.
# /out/unread.txt: files that are skipped because they are not regular or too large, one path per line.
. /turnbuild/results.sh

# Limits in bytes: of a text, of a program, and of readelf's output for one. Ours have up to 13 KB, 7 MB and 31 KB.
most_text=1048576
most_program=134217728
most_said=33554432
: >/out/unread.txt

# take FILE COPY [BYTES]: copies a file of the package, if it exists.
take() {
	[ -e "$1" ] || [ -L "$1" ] || return 0
	if is_plain "$1" "${3:-$most_text}"; then cp -- "$1" "$2"; else echo "$1" >>/out/unread.txt; fi
}

# files_of TREE [FIND-EXPRESSION]: its regular files. Paths with control characters are skipped: a line break would make two paths of one.
files_of() {
	tree=$1
	shift
	LC_ALL=C find "$tree" -type f "$@" ! -path '*[[:cntrl:]]*' ! -size +${most_program}c | LC_ALL=C sort
	LC_ALL=C find "$tree" -type f "$@" \( -path '*[[:cntrl:]]*' -o -size +${most_program}c \) -print0 |
		tr '\000-\037\177' '\n?' >>/out/unread.txt
}

# said_of FILE OPTION...: readelf's output, limited, because headers can refer to one table thousands of times.
said_of() {
	program=$1
	shift
	{ timeout --signal=KILL 60 readelf --wide "$@" "$program" || echo "$program" >>/out/unread.txt; } | head -c $most_said
}

# read_elf TREE OUT: writes OUT/NNN.{path,header,dynamic,symbols,versions,segments,notes} for each ELF file in a folder.
read_elf() {
	number=0
	mkdir -p "$2"
	files_of "$1" >/tmp/files
	while IFS= read -r file; do
		readelf -h "$file" >/tmp/header 2>/dev/null || continue
		# readelf also reads the members of static libraries, which nothing loads. Recognise them by content, not by name.
		case $(od -An -c -N 7 "$file" | tr -d ' ') in '!<arch>' | '!<thin>') continue ;; esac
		number=$((number + 1))
		name=$2/$(printf %03d $number)
		echo "${file#"$1"}" >"$name.path"
		mv /tmp/header "$name.header"
		said_of "$file" -d >"$name.dynamic"
		said_of "$file" --dyn-syms >"$name.symbols"
		said_of "$file" -V >"$name.versions"
		said_of "$file" -l >"$name.segments"
		said_of "$file" -n >"$name.notes"
	done </tmp/files
}

# read_library TREE: the symbols of coturn's own static library. It contains only coturn's code, compiled with the same flags.
read_library() {
	files_of "$1" -name libturnclient.a | while IFS= read -r file; do said_of "$file" --symbols; done >/out/library.txt
}

# read_symbols: writes to /out/debug-ids.txt the build IDs of the files in /symbols that have debug information and are where debuggers
# look.
read_symbols() {
	files_of /symbols -name '*.debug' | while IFS= read -r file; do
		id=$(readelf --notes "$file" | sed -n 's/.*Build ID: //p')
		case $file in */"${id%"${id#??}"}/${id#??}.debug") ;; *) continue ;; esac
		! readelf --wide -S "$file" | grep -q ' \.debug_info ' || echo "$id"
	done | LC_ALL=C sort >/out/debug-ids.txt
}

# read_units: lists systemd's folders, and every link, because one can lead there, in /out/units.txt: one `kind TAB path` per line.
read_units() {
	(cd /pkg && LC_ALL=C find . \( -path '*/systemd*' -o -type l \) -printf '%y\t/%P\0') |
		tr '\000-\010\012-\037\177' '\n?' | LC_ALL=C sort >/out/units.txt
}

# read_files CONFIGURATION: /out/{units.txt,systemd.txt,coturn.service,turnserver,turnserver.conf,coturn.rules.yml,coturn.rules.test.yml,
# grafana-dashboard.json,promtool.txt,coturn.cdx.json,openssl.txt}
read_files() {
	read_units
	for folder in /pkg/usr/lib/systemd/system /pkg/lib/systemd/system; do
		[ -f /out/coturn.service ] || take $folder/coturn.service /out/coturn.service
	done
	if [ -f /out/coturn.service ]; then
		cp /out/coturn.service /tmp/coturn.service
		# Discard its warnings, which only repeat the unit's settings.
		timeout --signal=KILL 60 systemd-analyze security --offline=true --no-pager /tmp/coturn.service \
			>/tmp/systemd.txt 2>/dev/null || : >/tmp/systemd.txt
		head -c $most_text /tmp/systemd.txt >/out/systemd.txt
	fi
	take /pkg/usr/bin/turnserver /out/turnserver $most_program
	[ ! -f /out/turnserver ] || {
		# A statically linked OpenSSL leaves its version string in the program.
		grep -aoE 'OpenSSL [0-9]+[.][0-9]+[.][0-9]+' /out/turnserver | LC_ALL=C sort -u >/out/openssl.txt || true
	}
	take /pkg/usr/share/coturn/coturn.cdx.json /out/coturn.cdx.json
	take "/pkg$1" /out/turnserver.conf
	read_monitoring /pkg/usr/share/doc/coturn/monitoring
}

# read_document PATH NAME: copies a text of the package, compressed or not, to /out/documents/NAME.
read_document() {
	mkdir -p /out/documents
	take "/pkg$1" "/out/documents/$2"
	[ -e "/pkg$1.gz" ] || [ -L "/pkg$1.gz" ] || return 0
	rm -f /tmp/document
	take "/pkg$1.gz" /tmp/document
	[ -f /tmp/document ] || return 0
	gzip -dc </tmp/document 2>/dev/null | head -c $most_text >"/out/documents/$2"
	gzip -t </tmp/document 2>/dev/null || echo "/pkg$1.gz" >>/out/unread.txt
}

read_monitoring() {
	[ -d "$1" ] || return 0
	mkdir /tmp/monitoring
	for name in coturn.rules.yml coturn.rules.test.yml grafana-dashboard.json; do
		take "$1/$name" /tmp/monitoring/$name
		[ ! -f /tmp/monitoring/$name ] || cp /tmp/monitoring/$name /out/
	done
	for what in check test; do
		file=coturn.rules.yml
		[ $what = check ] || file=coturn.rules.test.yml
		code=0
		# A test file chooses the files that it reads and the amount of computation, so limit both. dash supports ulimit -v.
		# shellcheck disable=SC3045
		(cd /tmp/monitoring && ulimit -v 8388608 && timeout --signal=KILL 120 promtool $what rules $file) 2>&1 || code=$?
		echo "$what exit $code"
	done | head -c $most_text >/out/promtool.txt
}
