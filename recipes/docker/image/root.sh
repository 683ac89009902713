# Undoes what an official image changes for use as a container: a package has to be installed as on a machine.
# in: APT_SOURCES (lines of sources.list(5); the image's own sources stay without any)
set -eu

# No manuals and no /usr/share/doc, no service starts, and an apt that deletes what it has downloaded.
rm -f /etc/dpkg/dpkg.cfg.d/docker /etc/dpkg/dpkg.cfg.d/excludes /etc/apt/apt.conf.d/docker-* /usr/sbin/policy-rc.d
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log

# As in base images that are bootstrapped.
echo 'Acquire::Languages "none";' >/etc/apt/apt.conf.d/99turnbuild
echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/99turnbuild
if [ -n "${APT_SOURCES-}" ]; then
	rm -f /etc/apt/sources.list.d/*
	printf '%s\n' "$APT_SOURCES" >/etc/apt/sources.list
fi

# The same image gives the same bytes on another day.
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /mnt -o -path /etc/resolv.conf -o -path /etc/hosts \) -prune -o \
	-newer /var/lib/dpkg/status -exec touch --no-dereference --date=@1 {} +
