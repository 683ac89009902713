# Installs the distribution's own compiler and libraries for DEB_ARCH; crosses where that isn't this machine's.
# in: DEB_ARCH, GNU_TRIPLE, TOOL_PACKAGES, LIBRARY_PACKAGES. out: /turnbuild/packages.txt (name:arch=version a line)
set -eu
export DEBIAN_FRONTEND=noninteractive

own=$(dpkg --print-architecture)
compiler=gcc
if [ "$DEB_ARCH" != "$own" ]; then
	dpkg --add-architecture "$DEB_ARCH"
	compiler="gcc-$(echo "$GNU_TRIPLE" | tr _ -)"
fi
libraries=
for name in $LIBRARY_PACKAGES; do libraries="$libraries $name:$DEB_ARCH"; done

# By itself apt goes on without the lists that it could not get, and then lacks packages.
apt-get update -q -o APT::Update::Error-Mode=any
# The root may be of an earlier day: what is compiled and linked with is always of the archive's present state.
apt-get dist-upgrade -qy
# The lists are split into words on purpose.
# shellcheck disable=SC2086
apt-get install -qy --no-install-recommends "$compiler" "libc6-dev:$DEB_ARCH" $TOOL_PACKAGES $libraries
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

dpkg-query -W -f '${binary:Package}=${Version}\n' | LC_ALL=C sort >/turnbuild/packages.txt
