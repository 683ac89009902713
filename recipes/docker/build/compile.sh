# Patches, configures and compiles coturn in /src. Read in by build.sh, and by sanitize.sh, which sets SANITIZE to a value of -fsanitize=
# and SANITIZER_LIBRARY to the name of its library.
# in: /inputs/coturn.tar (normalised sources), /inputs/patches/ (series, *.patch), /inputs/include/, /inputs/cppflags
#     (one line), /inputs/prometheus-client/ if the version needs it; DEB_ARCH, GNU_TRIPLE, COTURN_VERSION; CONFIGURATION_DIR, STATE_DIR,
#     LIBRARY_DIR of the package's layout; /static/ if libraries are linked in (from static/libraries.sh)

set -eu

fail() {
	echo "turnbuild-error: $1: $2" >&2
	exit 1
}

mkdir -p /src
tar -xf /inputs/coturn.tar -C /src --strip-components=1
cd /src

while read -r patch; do
	case $patch in '' | '#'*) continue ;; esac
	# --fuzz=0: a hunk that only almost fits is a hunk for another version.
	patch --batch --forward --fuzz=0 -p1 -i "/inputs/patches/$patch" >/tmp/patch.log 2>&1 || {
		cat /tmp/patch.log
		file=$(sed -n 's/^patching file //p' /tmp/patch.log | tail -n 1)
		hunk=$(sed -n 's/^\(Hunk #[0-9]* FAILED at [0-9]*\).*/\1/p' /tmp/patch.log | head -n 1)
		fail PATCH_FAILED "$patch does not apply to coturn $COTURN_VERSION: ${file:-no file found} ${hunk:-}"
	}
	cat /tmp/patch.log
done </inputs/patches/series

CC="$GNU_TRIPLE-gcc"
export CC PKG_CONFIG_LIBDIR="/usr/lib/$GNU_TRIPLE/pkgconfig:/usr/share/pkgconfig"
export DEB_HOST_ARCH="$DEB_ARCH" DEB_BUILD_MAINT_OPTIONS="hardening=+all reproducible=+fixfilepath"
eval "$(dpkg-buildflags --export=sh)"
# --as-needed: configure adds -latomic wherever the build machine is a Debian, needed or not.
export LDFLAGS="$LDFLAGS -Wl,--as-needed" TURN_DISABLE_RPATH=1
extra=$(cat /inputs/cppflags)
export CPPFLAGS="$CPPFLAGS $extra"
if [ -n "${SANITIZE:-}" ]; then
	# Linked in, so that the program runs in a root without compilers. FORTIFY's own copies of functions would hide errors from it.
	export CPPFLAGS="$CPPFLAGS -U_FORTIFY_SOURCE" CFLAGS="$CFLAGS -fsanitize=$SANITIZE -fno-omit-frame-pointer -U_FORTIFY_SOURCE"
	export LDFLAGS="$LDFLAGS -fsanitize=$SANITIZE -static-lib${SANITIZER_LIBRARY}"
fi

if [ -d /static/lib ]; then
	# Everything but the C library is linked in: /static/lib, the first folder that is searched, has nothing but static libraries.
	printf '#!/bin/sh\nexec pkg-config --static "$@"\n' >/usr/local/bin/pkg-config-static
	chmod 755 /usr/local/bin/pkg-config-static
	# Else pkg-config names the architecture's folder, with the shared libraries, before ours.
	export PKGCONFIG=pkg-config-static PKG_CONFIG_SYSTEM_LIBRARY_PATH="/usr/lib/$GNU_TRIPLE:/usr/lib"
	export PKG_CONFIG_LIBDIR="/static/lib/pkgconfig:$PKG_CONFIG_LIBDIR" CPPFLAGS="$CPPFLAGS -I/static/include" CFLAGS="$CFLAGS -I/static/include"
	# -u: the library comes before what needs it.
	export LDFLAGS="$LDFLAGS -L/static/lib -Wl,-u,arc4random,-u,arc4random_buf -lportable"
fi

if [ -d /inputs/prometheus-client ]; then
	cp -r /inputs/prometheus-client /prometheus-client
	make -C /prometheus-client CC="$CC" AR="$GNU_TRIPLE-ar" CFLAGS="$CFLAGS" CPPFLAGS="$CPPFLAGS" \
		install PREFIX=/prometheus-client/installed LIBDIR=/prometheus-client/installed/lib \
		INCLUDEDIR=/prometheus-client/installed/include
	export CPPFLAGS="$CPPFLAGS -I/prometheus-client/installed/include"
	export CFLAGS="$CFLAGS -I/prometheus-client/installed/include -L/prometheus-client/installed/lib"
	export LDFLAGS="$LDFLAGS -L/prometheus-client/installed/lib"
fi

./configure --prefix=/usr --confdir="$CONFIGURATION_DIR" --localstatedir=/var --turndbdir="$STATE_DIR" --manprefix=/usr/share \
	--docsdir=/usr/share/doc/coturn --examplesdir=/usr/share/doc/coturn/examples --schemadir=/usr/share/coturn \
	--libdir="$LIBRARY_DIR" --disable-rpath || fail CONFIGURE_FAILED "configure of coturn $COTURN_VERSION failed"

# configure drops a missing Prometheus with a mere warning, so its result is asserted, here and on the binary below.
if grep -q TURN_NO_PROMETHEUS Makefile; then
	fail PROMETHEUS_MISSING "configure of coturn $COTURN_VERSION turned Prometheus off; its output above says which library it did not find"
fi

make -j "$(nproc)" || fail COMPILE_FAILED "coturn $COTURN_VERSION did not compile for $DEB_ARCH"
