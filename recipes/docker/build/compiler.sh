# Installs the distribution's own compiler for DEB_ARCH: a cross compiler if this machine has another architecture. Keeps the archive's
# lists for toolchain.sh.
# in: DEB_ARCH, GNU_TRIPLE
set -eu
export DEBIAN_FRONTEND=noninteractive

own=$(dpkg --print-architecture)
compiler=gcc
if [ "$DEB_ARCH" != "$own" ]; then
	dpkg --add-architecture "$DEB_ARCH"
	compiler="gcc-$(echo "$GNU_TRIPLE" | tr _ -)"
fi

# By default apt continues without lists that it could not download, and then misses packages.
apt-get update -q -o APT::Update::Error-Mode=any
# The root may be older than the archive: upgrade it, so that every build uses the archive's current packages.
apt-get dist-upgrade -qy
apt-get install -qy --no-install-recommends "$compiler" "libc6-dev:$DEB_ARCH"
rm -rf /var/cache/apt/archives/*.deb
