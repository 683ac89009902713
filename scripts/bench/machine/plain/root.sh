# Installs what Debian's own images for EC2 boot with, and its coturn. They have more, e.g. SSH, netplan and unattended upgrades, and boot
# no faster for it.
# in:  DEB_ARCH
# out: the root
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q -o APT::Update::Error-Mode=any
apt-get dist-upgrade -qy
apt-get install -qy --no-install-recommends ca-certificates cloud-guest-utils cloud-init coturn dhcpcd-base e2fsprogs fdisk \
	"grub-efi-$DEB_ARCH" initramfs-tools iproute2 "linux-image-cloud-$DEB_ARCH" systemd systemd-resolved systemd-sysv systemd-timesyncd udev zstd
apt-get clean
rm -rf /var/lib/apt/lists/*
