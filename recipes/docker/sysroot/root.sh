# Makes the root that an .rpm is tried in: a minimal one of its own distribution, with its repositories.
# in:  as dnf.sh
# out: /installed-root
. /turnbuild/sysroot/dnf.sh

read_metadata /installed-root
# By their paths, because some distributions have them in packages of other names. What the verification itself uses.
install_in /installed-root install system-release bash dnf rpm /usr/bin/awk /usr/bin/cmp /usr/bin/find /usr/bin/grep /usr/bin/gzip \
	/usr/bin/hostname /usr/bin/ls /usr/bin/ps /usr/bin/python3 /usr/bin/sed /usr/bin/setpriv /usr/bin/tar
# Those of the release package lead to the internet, or are others than those that it was made of.
rm -rf /dnf /installed-root/dnf /installed-root/etc/yum.repos.d /installed-root/dev/*
mkdir -p /installed-root/etc/yum.repos.d
cp /repositories/turnbuild.repo /installed-root/etc/yum.repos.d/
for key in $SYSROOT_KEYS; do install -D -m 644 "$key" "/installed-root$key"; done
