# Installs the package in the root of its distribution, for the laboratory.
# in:  /tmp/coturn.rpm, /installed-root (from root.sh); as for dnf.sh
# out: /installed-root/not-installed, if the installation fails
. /turnbuild/sysroot/dnf.sh
# shellcheck source=recipes/docker/attempt.sh
. /turnbuild/attempt.sh
read_metadata /installed-root
attempt /installed-root install_in /installed-root install /tmp/coturn.rpm
rm -rf /dnf /installed-root/dnf /installed-root/dev/*
