# Patches, configures and compiles coturn in $WORK/src and leaves the shell there. build.sh and sanitize.sh source it, and so does the
# spec file when a source package is rebuilt. sanitize.sh sets SANITIZE to a value of -fsanitize=, SANITIZER_LIBRARY to the name of its
# library and MAKE_TARGET to the make target.
# in: INPUTS (/inputs), a folder with coturn.tar (normalised sources), patches/ (series, *.patch), include/, cppflags (one line), and
#     prometheus-client/ if the version needs it; WORK (/build), the folder to work in; COTURN_VERSION; CONFIGURATION_DIR, STATE_DIR,
#     LIBRARY_DIR of the package's layout; /static/ (from static/libraries.sh) if libraries are linked statically; /sysroot/ (from
#     sysroot/sysroot.sh) if the libraries are another distribution's
#     DEB_ARCH, GNU_TRIPLE: the architecture to compile for, with Debian's flags. If unset, compiles for this machine, with the
#     environment's flags.

set -eu
INPUTS=${INPUTS:-/inputs}
WORK=${WORK:-/build}

fail() {
	echo "turnbuild-error: $1: $2" >&2
	exit 1
}

mkdir -p "$WORK/src"
tar -xf "$INPUTS/coturn.tar" -C "$WORK/src" --strip-components=1
cd "$WORK/src"

while read -r patch; do
	case $patch in '' | '#'*) continue ;; esac
	# --fuzz=0: a hunk that applies only with fuzz was made for another version.
	patch --batch --forward --fuzz=0 -p1 -i "$INPUTS/patches/$patch" >"$WORK/patch.log" 2>&1 || {
		cat "$WORK/patch.log"
		file=$(sed -n 's/^patching file //p' "$WORK/patch.log" | tail -n 1)
		hunk=$(sed -n 's/^\(Hunk #[0-9]* FAILED at [0-9]*\).*/\1/p' "$WORK/patch.log" | head -n 1)
		fail PATCH_FAILED "$patch does not apply to coturn $COTURN_VERSION: ${file:-no file found} ${hunk:-}"
	}
	cat "$WORK/patch.log"
done <"$INPUTS/patches/series"

if [ -n "${DEB_ARCH:-}" ]; then
	CC="$GNU_TRIPLE-gcc"
	AR="$GNU_TRIPLE-ar"
	export PKG_CONFIG_LIBDIR="/usr/lib/$GNU_TRIPLE/pkgconfig:/usr/share/pkgconfig"
	export DEB_HOST_ARCH="$DEB_ARCH" DEB_BUILD_MAINT_OPTIONS="hardening=+all reproducible=+fixfilepath"
	eval "$(dpkg-buildflags --export=sh)"
else
	CC=${CC:-gcc}
	AR="ar"
fi
# --as-needed: on Debian, configure adds -latomic even if nothing needs it.
export CC LDFLAGS="${LDFLAGS:-} -Wl,--as-needed" TURN_DISABLE_RPATH=1
extra=$(sed "s, /inputs/, $INPUTS/,g" "$INPUTS/cppflags")
export CPPFLAGS="${CPPFLAGS:-} $extra" CFLAGS="${CFLAGS:-}"
if [ -n "${SANITIZE:-}" ]; then
	# Static, so that the program runs in a root without a compiler. FORTIFY's replacement functions would hide errors from the sanitizer.
	# -O1: AddressSanitizer cannot check accesses that the optimiser removes. -g1: its reports need only function names and line numbers.
	export CPPFLAGS="$CPPFLAGS -U_FORTIFY_SOURCE"
	export CFLAGS="$CFLAGS -O1 -g1 -fsanitize=$SANITIZE -fno-omit-frame-pointer -U_FORTIFY_SOURCE"
	export LDFLAGS="$LDFLAGS -fsanitize=$SANITIZE -static-lib${SANITIZER_LIBRARY}"
fi

if [ -d /sysroot ]; then
	CC=sysroot-gcc
	export PKG_CONFIG_SYSROOT_DIR=/sysroot PKG_CONFIG_LIBDIR=/sysroot/usr/lib64/pkgconfig:/sysroot/usr/share/pkgconfig
	# -rpath-link: where the linker finds indirect dependencies. It leaves no trace in the program.
	export LDFLAGS="$LDFLAGS -L/sysroot/usr/lib64 -Wl,-rpath-link,/sysroot/usr/lib64"
fi

if [ -d /static/lib ]; then
	# Everything except the C library is linked statically: the linker searches /static/lib first, which has only static libraries.
	printf '#!/bin/sh\nexec pkg-config --static "$@"\n' >/usr/local/bin/pkg-config-static
	chmod 755 /usr/local/bin/pkg-config-static
	# Otherwise pkg-config lists the architecture's folder, with the shared libraries, before ours.
	export PKGCONFIG=pkg-config-static PKG_CONFIG_SYSTEM_LIBRARY_PATH="/usr/lib/$GNU_TRIPLE:/usr/lib"
	export PKG_CONFIG_LIBDIR="/static/lib/pkgconfig:$PKG_CONFIG_LIBDIR" CPPFLAGS="$CPPFLAGS -I/static/include" CFLAGS="$CFLAGS -I/static/include"
	# -u: the library precedes the objects that need its symbols.
	export LDFLAGS="$LDFLAGS -L/static/lib -Wl,-u,arc4random,-u,arc4random_buf -lportable"
fi

if [ -d "$INPUTS/prometheus-client" ]; then
	client=$WORK/prometheus-client
	cp -r "$INPUTS/prometheus-client" "$client"
	make -C "$client" CC="$CC" AR="$AR" CFLAGS="$CFLAGS" CPPFLAGS="$CPPFLAGS" \
		install PREFIX="$client/installed" LIBDIR="$client/installed/lib" INCLUDEDIR="$client/installed/include"
	export CPPFLAGS="$CPPFLAGS -I$client/installed/include"
	export CFLAGS="$CFLAGS -I$client/installed/include -L$client/installed/lib"
	export LDFLAGS="$LDFLAGS -L$client/installed/lib"
fi

./configure --prefix=/usr --confdir="$CONFIGURATION_DIR" --localstatedir=/var --turndbdir="$STATE_DIR" --manprefix=/usr/share \
	--docsdir=/usr/share/doc/coturn --examplesdir=/usr/share/doc/coturn/examples --schemadir=/usr/share/coturn \
	--libdir="$LIBRARY_DIR" --disable-rpath || fail CONFIGURE_FAILED "configure of coturn $COTURN_VERSION failed"

# If the Prometheus library is missing, configure only warns. So check its result here; build.sh checks the binary.
if grep -q TURN_NO_PROMETHEUS Makefile; then
	fail PROMETHEUS_MISSING "configure of coturn $COTURN_VERSION turned Prometheus off; its output above says which library it did not find"
fi

# Unquoted: an empty MAKE_TARGET builds everything.
# shellcheck disable=SC2086
make -j "$(nproc)" ${MAKE_TARGET:-} || fail COMPILE_FAILED "coturn $COTURN_VERSION did not compile for ${DEB_ARCH:-this machine}"
