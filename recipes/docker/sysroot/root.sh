# Makes the root that an .rpm is tested in: a minimal one of its own distribution, with its repositories.
# in:  as for dnf.sh
# out: /installed-root
. /turnbuild/sysroot/dnf.sh

read_metadata /installed-root
# The verification's own tools, by path, because package names differ between distributions.
install_in /installed-root install system-release bash dnf rpm /usr/bin/awk /usr/bin/cmp /usr/bin/find /usr/bin/grep /usr/bin/gzip \
	/usr/bin/hostname /usr/bin/ls /usr/bin/ps /usr/bin/python3 /usr/bin/sed /usr/bin/setpriv /usr/bin/tar
# Remove the release package's repositories, which can differ from those that the root was made from.
rm -rf /dnf /installed-root/dnf /installed-root/etc/yum.repos.d /installed-root/dev/*
mkdir -p /installed-root/etc/yum.repos.d
cp /repositories/turnbuild.repo /installed-root/etc/yum.repos.d/
for key in $SYSROOT_KEYS; do install -D -m 644 "$key" "/installed-root$key"; done
