# Installs the distribution's own compiler for DEB_ARCH, which crosses where that isn't this machine's. The archive's lists stay, for
# toolchain.sh.
# in: DEB_ARCH, GNU_TRIPLE
set -eu
export DEBIAN_FRONTEND=noninteractive

own=$(dpkg --print-architecture)
compiler=gcc
if [ "$DEB_ARCH" != "$own" ]; then
	dpkg --add-architecture "$DEB_ARCH"
	compiler="gcc-$(echo "$GNU_TRIPLE" | tr _ -)"
fi

# By itself apt goes on without the lists that it could not get, and then lacks packages.
apt-get update -q -o APT::Update::Error-Mode=any
# The root may be of an earlier day: what is compiled and linked with is always of the archive's present state.
apt-get dist-upgrade -qy
apt-get install -qy --no-install-recommends "$compiler" "libc6-dev:$DEB_ARCH"
rm -rf /var/cache/apt/archives/*.deb
