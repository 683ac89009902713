# Collects the libraries to link statically: the archive's own static ones, and others compiled from its source packages, with its patches
# and flags, if the archive's build is unsuitable.
# in:  DEB_ARCH, GNU_TRIPLE; /turnbuild/static/*.c; the toolchain with the -dev packages of DEB_ARCH
#      ARCHIVE_LIBRARIES: names (`ssl`) of the archive's own; SOURCE_LIBRARIES: `SUITE/SOURCE-PACKAGE` each;
#      LICENSED: the source packages whose license the recipe states
# out: /static/lib (only *.a, so that the linker finds no shared library there), /static/lib/pkgconfig, /static/include,
#      /static/linked.txt (one `SOURCE-PACKAGE VERSION SUITE DISTRIBUTION` per line), /static/licenses/SOURCE-PACKAGE,
#      /static/sources/, the source packages of the compiled libraries
set -eu
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

fail() {
	echo "turnbuild-error: $1: $2" >&2
	exit 1
}

mkdir -p /static/lib/pkgconfig /static/include /static/src /static/licenses /static/sources
own_suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
own_distribution=$(. /etc/os-release && echo "$ID-$VERSION_ID")
for name in $ARCHIVE_LIBRARIES; do
	archive=/usr/lib/$GNU_TRIPLE/lib$name.a
	[ -e "$archive" ] || fail STATIC_LIBRARY_MISSING "the archive has no lib$name.a for $DEB_ARCH: is its -dev package among the target's libraries?"
	ln -s "$archive" /static/lib/
	package=$(dpkg -S "$archive" | sed 's/: .*//')
	dpkg-query -W -f "\${source:Package} \${source:Version} $own_suite $own_distribution\n" "$package"
	cp "/usr/share/doc/${package%:*}/copyright" "/static/licenses/$(dpkg-query -W -f '${source:Package}' "$package")"
done >/static/linked

# Check licenses before compiling anything.
for package in $(cut -d ' ' -f 1 /static/linked) $(printf '%s\n' $SOURCE_LIBRARIES | sed 's,.*/,,'); do
	case " $LICENSED " in
	*" $package "*) ;;
	*) fail LICENSE_UNKNOWN "$package is linked statically, but the recipe has no license for it in staticLibraries.licenses" ;;
	esac
done

# Add source lists of the root's archives for each requested suite.
for suite in $(printf '%s\n' $SOURCE_LIBRARIES | sed 's,/.*,,' | sort -u); do
	sed -n "s/^deb \(.*\) $own_suite\([a-z-]*\) /deb-src \1 $suite\2 /p" /etc/apt/sources.list
done >/etc/apt/sources.list.d/sources.list
[ -z "$SOURCE_LIBRARIES" ] || apt-get update -q -o APT::Update::Error-Mode=any

# distribution SUITE: the release as vulnerability scanners name it, e.g. debian-13.
distribution() {
	[ "$1" != "$own_suite" ] || {
		echo "$own_distribution"
		return
	}
	cat /var/lib/apt/lists/*_dists_"$1"_*Release | awk -v suite="$1" '
		$1 == "Origin:" && origin == "" { origin = tolower($2) }
		$1 == "Version:" && version == "" { version = $2 }
		END {
			# Point releases of Debian are the same release.
			if (origin == "debian") sub(/[.].*/, "", version)
			print origin "-" (version == "" ? suite : version)
		}'
}

flags() {
	export DEB_HOST_ARCH="$DEB_ARCH" DEB_BUILD_MAINT_OPTIONS="hardening=+all reproducible=+fixfilepath"
	eval "$(dpkg-buildflags --export=sh)"
}

# Without HTTPS, which would require GnuTLS: metrics are served on loopback.
make_libmicrohttpd() {
	autoreconf -fi &&
		./configure --build="$(dpkg-architecture -qDEB_BUILD_GNU_TYPE)" --host="$GNU_TRIPLE" --prefix=/static --disable-shared \
			--enable-static --with-pic --disable-https --disable-doc --disable-examples --disable-curl &&
		make -j "$(nproc)" && make install
}

# With TLS, which some suites' own builds lack.
make_hiredis() {
	make -j "$(nproc)" CC="$GNU_TRIPLE-gcc" AR="$GNU_TRIPLE-ar" USE_SSL=1 PREFIX=/static static libhiredis_ssl.a hiredis.pc hiredis_ssl.pc &&
		mkdir -p /static/include/hiredis && cp ./*.a /static/lib/ && cp -r ./*.h adapters /static/include/hiredis/ &&
		cp ./*.pc /static/lib/pkgconfig/
}

for source in $SOURCE_LIBRARIES; do
	suite=${source%%/*}
	package=${source#*/}
	cd /static/src
	apt-get source -qq --only-source -t "$suite" "$package" >"/static/$package.log" 2>&1 || {
		cat "/static/$package.log"
		fail NETWORK_FAILED "cannot download the sources of $package from $suite"
	}
	# Ship the sources with the programs: the LGPL requires it.
	cp ./*.dsc ./*.tar.* /static/sources/
	cd "/static/src/$package"-*/
	flags
	"make_$package" >>"/static/$package.log" 2>&1 || {
		tail -n 30 "/static/$package.log"
		fail LIBRARY_FAILED "$package from $suite does not compile for $DEB_ARCH"
	}
	echo "$package $(dpkg-parsechangelog -S Version) $suite $(distribution "$suite")" >>/static/linked
	cp debian/copyright "/static/licenses/$package"
done
LC_ALL=C sort -u /static/linked >/static/linked.txt
rm -rf /etc/apt/sources.list.d/sources.list /var/lib/apt/lists/* /static/src

# Functions that older C libraries lack, and sd_notify().
flags
cp -r /turnbuild/static/systemd /static/include/
for name in random notify; do
	# Split the flags into words on purpose.
	# shellcheck disable=SC2086
	"$GNU_TRIPLE-gcc" $CPPFLAGS $CFLAGS -Wall -Wextra -Werror -I/turnbuild/static -c "/turnbuild/static/$name.c" -o "/static/$name.o"
done
"$GNU_TRIPLE-ar" rcsD /static/lib/libportable.a /static/random.o /static/notify.o
cat >/static/lib/pkgconfig/libsystemd.pc <<PC
Name: libsystemd
Description: sd_notify() alone
Version: 252
Cflags: -I/static/include
Libs: -L/static/lib -lportable
PC
# libtool's .la files refer to libraries that are not linked.
rm -f /static/lib/*.la
cat /static/linked.txt
