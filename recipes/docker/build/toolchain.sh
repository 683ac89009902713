# Installs the build dependencies of coturn other than the compiler: tools for this machine, libraries for DEB_ARCH.
# in: DEB_ARCH, TOOL_PACKAGES, LIBRARY_PACKAGES; the compiler and the archive's lists from compiler.sh
# out: /turnbuild/packages.txt (one name:arch=version per line)
set -eu
export DEBIAN_FRONTEND=noninteractive

libraries=
for name in $LIBRARY_PACKAGES; do libraries="$libraries $name:$DEB_ARCH"; done
# The lists are split into words on purpose.
# shellcheck disable=SC2086
apt-get install -qy --no-install-recommends $TOOL_PACKAGES $libraries
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

dpkg-query -W -f '${binary:Package}=${Version}\n' | LC_ALL=C sort >/turnbuild/packages.txt
