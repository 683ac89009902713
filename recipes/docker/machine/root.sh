# Installs the package and the system around it in a minimal root of its distribution.
# in:  DEB_ARCH; KERNEL, the kernel's package; SYSTEM_PACKAGES; /inputs/coturn.deb; in a foreign root /native, the build
#      platform's tools
# out: the root; assemble.sh does the rest on the build platform
set -eu
export DEBIAN_FRONTEND=noninteractive
set --
if [ -d /native ]; then
	. /native/environment
	# ca-certificates makes its hundreds of links when it is configured, and again in a trigger. The second time suffices.
	mkdir /tmp/path
	cat >/tmp/path/update-ca-certificates <<'PROGRAM'
#!/bin/sh
[ "$*" = '--hooksdir ' ] || exec /usr/sbin/update-ca-certificates "$@"
PROGRAM
	chmod 755 /tmp/path/update-ca-certificates
	set -- -o "DPkg::Path=/tmp/path:$PATH"
fi

# Files that no program on the machine reads. Licences stay.
cat >/etc/dpkg/dpkg.cfg.d/60turnbuild <<'CONFIGURATION'
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/bash-completion/*
path-exclude=/usr/share/zsh/*
# Character sets other than UTF-8
path-exclude=/usr/lib/*/gconv/*
# Device trees: cloud machines have ACPI
path-exclude=/usr/lib/linux-image-*
# Names and quirks of desktop hardware
path-exclude=/usr/lib/udev/hwdb.d/*
CONFIGURATION

# The kernel wants an initrd generator. The image has an initrd of its own in the UKI.
mkdir -p /tmp/initrd/DEBIAN
cat >/tmp/initrd/DEBIAN/control <<'CONTROL'
Package: turnbuild-initrd
Version: 1
Architecture: all
Maintainer: turnbuild <packages@turnbuild.invalid>
Provides: linux-initramfs-tool
Description: stands in for an initrd generator
 The initrd is part of the unified kernel image.
CONTROL
dpkg-deb --build --root-owner-group /tmp/initrd /tmp/turnbuild-initrd.deb >/dev/null

# Nobody is asked before the installation.
echo '#clear DPkg::Pre-Install-Pkgs;' >/etc/apt/apt.conf.d/99questions

apt-get update -q -o APT::Update::Error-Mode=any
# Upgrades the root and installs the packages, at once.
# shellcheck disable=SC2086
apt-get dist-upgrade "$@" -qy --no-install-recommends /tmp/turnbuild-initrd.deb /inputs/*.deb "$KERNEL" $SYSTEM_PACKAGES
if [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then
	echo 'turnbuild-error: ROOT_FAILED: ca-certificates has not written its bundle' >&2
	exit 1
fi
apt-get clean
rm /etc/apt/apt.conf.d/99questions
rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*
