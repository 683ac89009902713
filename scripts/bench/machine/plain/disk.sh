# Makes the disk of a plain Debian machine, without loop devices or privileges.
# in:  /target, its root; DEB_ARCH, EFI_NAME, REPART_ARCH, CONSOLE, DISK_MIB
# out: /out/plain.raw.zst
set -eu
case $DEB_ARCH in arm64) grub=arm64-efi ;; amd64) grub=x86_64-efi ;; esac
cp -a /target /image
cd /image
rm -rf etc/hostname etc/resolv.conf
: >etc/machine-id
ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >etc/hosts
printf 'LABEL=root / ext4 errors=remount-ro,x-systemd.growfs 0 1\n' >etc/fstab
# As in Debian's images for one cloud: it need not be guessed.
printf 'datasource_list: [Ec2]\n' >etc/cloud/cloud.cfg.d/90_dpkg.cfg
systemctl --root=/image --quiet enable coturn.service systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
# The earliest moment at which its configuration exists: cloud-init writes it. Otherwise coturn would have to be restarted.
mkdir -p etc/systemd/system/coturn.service.d
printf '[Unit]\nAfter=cloud-init.service cloud-init-network.service\n' >etc/systemd/system/coturn.service.d/cloud-init.conf

# What grub-install and grub-mkconfig do on a machine with the disk attached.
kernel=$(echo boot/vmlinuz-*)
version=${kernel#boot/vmlinuz-}
[ -e "boot/initrd.img-$version" ]
mkdir -p boot/grub/$grub /esp/EFI/BOOT /definitions /out
cp usr/lib/grub/$grub/*.mod usr/lib/grub/$grub/*.lst boot/grub/$grub/
cat >boot/grub/grub.cfg <<CONFIG
set timeout=0
menuentry 'Debian GNU/Linux' {
	insmod gzio
	linux /boot/vmlinuz-$version root=LABEL=root ro $CONSOLE
	initrd /boot/initrd.img-$version
}
CONFIG
cat >/early.cfg <<'CONFIG'
search --no-floppy --label root --set=root
set prefix=($root)/boot/grub
CONFIG
grub-mkimage --directory="usr/lib/grub/$grub" --format="$grub" --prefix=/boot/grub --config=/early.cfg \
	--output="/esp/EFI/BOOT/$EFI_NAME" part_gpt ext2 search search_label normal

cat >/definitions/10-esp.conf <<DEFINITION
[Partition]
Type=esp
Format=vfat
CopyFiles=/esp:/
SizeMinBytes=64M
SizeMaxBytes=64M
DEFINITION
# systemd-repart itself would leave out /boot, because an EFI system partition could be mounted there.
truncate --size="$((DISK_MIB - 100))M" /root.ext4
mkfs.ext4 -q -L root -d /image /root.ext4
cat >/definitions/20-root.conf <<DEFINITION
[Partition]
Type=root
Label=root
CopyBlocks=/root.ext4
DEFINITION
systemd-repart --offline=yes --sector-size=512 --empty=create --size="${DISK_MIB}M" --definitions=/definitions \
	--architecture="$REPART_ARCH" /disk.raw
zstd -q -3 /disk.raw -o /out/plain.raw.zst
