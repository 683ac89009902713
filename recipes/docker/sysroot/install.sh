# Installs the package in the root of its distribution, for the laboratory.
# in:  /tmp/coturn.rpm, /installed-root (from root.sh); as dnf.sh
. /turnbuild/sysroot/dnf.sh
install_in /installed-root install /tmp/coturn.rpm
rm -rf /dnf /installed-root/dnf /installed-root/dev/*
[ -x /installed-root/usr/bin/turnserver ] || fail INSTALL_FAILED "dnf has not installed the package in the minimal root"
