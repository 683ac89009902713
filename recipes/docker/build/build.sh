# Compiles coturn and exports the installed tree, the debug symbols and the facts about the result.
# in:  /inputs as described in compile.sh; SOURCE_DATE_EPOCH; GLIBC, the newest glibc version that programs may require, or empty
# out: /out/tree.tar, /out/debug.tar, /out/tools.tar, /out/options.txt, /out/metrics.txt, /out/features.txt, /out/packages.txt, /out/compiler.txt;
#      for shared libraries /out/libraries.txt (one `SONAME PACKAGE VERSION SOURCE-PACKAGE SOURCE-VERSION DISTRIBUTION` per line);
#      for statically linked libraries /out/linked.txt, /out/licenses.tar, /out/sources.tar
set -eu
export LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH
umask 022
mkdir -p /out /stage
. /turnbuild/compile.sh

make install DESTDIR=/stage MORECMD=true >/dev/null
# Read the symbols before stripping: they are the only trace of calls to statically linked libraries.
"$GNU_TRIPLE-readelf" --wide --symbols /stage/usr/bin/turnserver >/tmp/symbols
# calls PATTERN: whether turnserver calls this function of a shared (undefined symbol) or statically linked library.
calls() { grep -qE " (UND|FUNC +(GLOBAL|LOCAL|WEAK) .*) $1(@|\$| )" /tmp/symbols; }
calls MHD_start_daemon || fail PROMETHEUS_MISSING "turnserver does not call MHD_start_daemon, so it serves no metrics"

# Check every program: a single symbol of a newer glibc prevents it from starting on the target.
if [ -n "${GLIBC:-}" ]; then
	for file in /stage/usr/bin/*; do
		# The loader also requires versions without symbols, such as GLIBC_ABI_DT_RELR.
		newer=$("$GNU_TRIPLE-readelf" --wide -V "$file" 2>/dev/null | sed -n 's/.* Name: GLIBC_\([^ ]*\) .*/\1/p' | sort -u | while read -r version; do
			case $version in
			*[!0-9.]*) ;;
			*) [ "$(printf '%s\n%s\n' "$version" "$GLIBC" | sort -V | tail -n 1)" != "$GLIBC" ] || continue ;;
			esac
			"$GNU_TRIPLE-readelf" --wide --dyn-syms "$file" | sed -n "s/.* UND \([^ ]*@GLIBC_$version\).*/\1/p" | grep . || echo "GLIBC_$version"
		done | tr '\n' ' ')
		[ -z "$newer" ] || fail GLIBC_TOO_NEW "${file##*/} needs ${newer% }, but the target's glibc is $GLIBC"
	done
fi

# Read the option table of this binary from its preprocessed source, with the flags of this build.
printf 'include Makefile\nturnbuild.i:\n\t$(CC) -E -P $(CPPFLAGS) $(CFLAGS) $(DBCFLAGS) src/apps/relay/mainrelay.c -o $@\n' |
	make -f - turnbuild.i || fail OPTIONS_UNKNOWN "cannot preprocess src/apps/relay/mainrelay.c of coturn $COTURN_VERSION"
perl /turnbuild/options.pl turnbuild.i >/out/options.txt ||
	fail OPTIONS_UNKNOWN "no option table found in src/apps/relay/mainrelay.c of coturn $COTURN_VERSION"

# The verification needs the metric names of this version.
if [ -f src/apps/relay/prom_server.c ]; then
	printf 'include Makefile\nturnbuild-prom.i:\n\t$(CC) -E -P $(CPPFLAGS) $(CFLAGS) $(DBCFLAGS) src/apps/relay/prom_server.c -o $@\n' |
		make -f - turnbuild-prom.i
	perl -0777 -ne 'print "$2 $1\n" while /prom_(counter|gauge)_new\s*\(\s*"(\w+)"/g' turnbuild-prom.i | LC_ALL=C sort -u >/out/metrics.txt
else
	: >/out/metrics.txt
fi

make bin/turnutils_rfc5769check
mkdir -p /tools
"$GNU_TRIPLE-strip" -o /tools/turnutils_rfc5769check bin/turnutils_rfc5769check

# gdb and systemd-coredump find debug symbols by build ID.
find /stage/usr/bin -type f | LC_ALL=C sort | while read -r file; do
	"$GNU_TRIPLE-readelf" -h "$file" >/dev/null 2>&1 || continue
	id=$("$GNU_TRIPLE-readelf" --notes "$file" | sed -n 's/.*Build ID: //p')
	[ -n "$id" ] || fail BUILD_ID_MISSING "$file has no build ID"
	debug="/debug/usr/lib/debug/.build-id/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-).debug"
	mkdir -p "$(dirname "$debug")"
	"$GNU_TRIPLE-objcopy" --only-keep-debug --compress-debug-sections "$file" "$debug"
	chmod 644 "$debug"
	"$GNU_TRIPLE-strip" --remove-section=.comment --remove-section=.note "$file"
done
if [ -f "/stage$LIBRARY_DIR/libturnclient.a" ]; then
	"$GNU_TRIPLE-strip" --strip-debug --enable-deterministic-archives "/stage$LIBRARY_DIR/libturnclient.a"
fi

pack() {
	tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
		--mode=u+rwX,go+rX,go-w -C "$1" -cf "/out/$2" .
}

# Derive the features from the functions that the finished program calls.
feature() {
	if calls "$2"; then echo "$1 yes"; else echo "$1 no"; fi
}
{
	feature prometheus MHD_start_daemon
	feature systemd sd_notify
	feature sqlite sqlite3_open
	feature postgresql 'PQ(connect|exec)[A-Za-z]*'
	feature mariadb mysql_real_connect
	feature redis 'redis[A-Za-z]*Connect[A-Za-z]*'
	feature mongodb mongoc_client_new
	# SCTP uses kernel sockets and no library, so only the build flags show it.
	if grep -q TURN_SCTP_INCLUDE Makefile && ! grep -q -e '-DTURN_NO_SCTP' Makefile; then echo sctp yes; else echo sctp no; fi
	# A turnserver that drains on SIGUSR1 logs it. src/config/elf-options.ts searches for the same text.
	if grep -qai draining /stage/usr/bin/turnserver; then echo drain yes; else echo drain no; fi
	# A turnserver that reloads its certificate on SIGUSR2 logs it. src/config/elf-options.ts searches for the same text.
	if grep -qai 'reloading tls certificate' /stage/usr/bin/turnserver; then echo reload yes; else echo reload no; fi
	# Whether it handles SIGTERM. -z: a call may span several lines.
	if grep -qrzP '\b(signal|sigaction|sigaddset|evsignal_\w+)\s*\([^;]*\bSIGTERM\b|\[\]\s*=\s*\{[^}]*\bSIGTERM\b' src/apps/relay --include='*.c'; then echo stop-signal yes; else echo stop-signal no; fi
} >/out/features.txt
# Upstream installs the MongoDB files even if the build has no MongoDB support.
grep -q '^mongodb yes$' /out/features.txt || find /stage -iname '*mongo*' -delete
# Upstream installs no changelog.
install -m 644 ChangeLog /stage/usr/share/doc/coturn/ChangeLog
pack /stage tree.tar
pack /debug debug.tar
pack /tools tools.tar
cp /turnbuild/packages.txt /out/packages.txt
[ ! -d /sysroot ] || cat /turnbuild/sysroot.txt >>/out/packages.txt
if [ -d /static ]; then
	cp /static/linked.txt /out/linked.txt
	pack /static/licenses licenses.tar
	pack /static/sources sources.tar
else
	# Find the distribution package of each shared library that the programs need.
	[ ! -d /sysroot ] || sysroot=/sysroot
	distribution=$(. "${sysroot:-}/etc/os-release" && echo "$ID-$VERSION_ID")
	find /stage/usr/bin -type f -exec "$GNU_TRIPLE-readelf" --wide -d {} ';' 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		LC_ALL=C sort -u >/tmp/needed
	# package_of SONAME: name and version of the package that contains it, and of its source package.
	package_of() {
		if [ -d /sysroot ]; then
			file=$(find /sysroot/usr/lib64 /sysroot/usr/lib -maxdepth 1 -name "$1" | head -n 1)
			[ -n "$file" ] || return 0
			rpm --root /sysroot -q --file "${file#/sysroot}" --queryformat '%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{SOURCERPM}\n' |
				sed -nE '1s/ ([^ ]+)-([^- ]+-[^- ]+)\.src\.rpm$/ \1 \2/p'
		else
			package=$(dpkg -S "*/$GNU_TRIPLE/$1" 2>/dev/null | sed -n 's/^\([^:, ]*\)[:,].*/\1/p' | head -n 1)
			[ -z "$package" ] ||
				dpkg-query -W -f '${Package} ${Version} ${source:Package} ${source:Version}\n' "$package:$DEB_ARCH"
		fi
	}
	while read -r soname; do
		package=$(package_of "$soname")
		[ -n "$package" ] || fail LIBRARY_UNKNOWN "no package of the build environment contains $soname, which a program needs"
		echo "$soname $package $distribution"
	done </tmp/needed >/out/libraries.txt
	[ -s /out/libraries.txt ] || fail LIBRARY_UNKNOWN "readelf shows no shared library that the programs need"
fi
"$CC" --version | head -n 1 >/out/compiler.txt
