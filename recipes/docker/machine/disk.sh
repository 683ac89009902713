# Makes the disk: a unified kernel image in an EFI system partition, and the root file system, without loop devices or privileges.
# in:  /image; /boot-files; DEB_ARCH, EFI_NAME, REPART_ARCH, CONSOLE, DISK_MIB, SEED, SOURCE_DATE_EPOCH
# out: /disk.raw; /out/packages.txt (lines NAME VERSION SOURCE SOURCE-VERSION); /partitions.json and /esp for scan.sh
set -eu
export LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH

# A failed mke2fs would not say what is missing. 5 % is for the structures of the file system, 34 MiB for its journal and partition tables.
find /image -path /image/boot -prune -o -printf '%s\n' >/sizes
needed=$(awk '{ blocks += int(($1 + 4095) / 4096) } END { print int(blocks / 256 * 1.05) + 64 + 34 }' /sizes)
if [ "$needed" -gt "$DISK_MIB" ]; then
	echo "turnbuild-error: IMAGE_TOO_SMALL: The image needs at least $((needed - DISK_MIB)) MiB more than the $DISK_MIB MiB of its disk" >&2
	exit 1
fi

mkdir -p /out
cd /image/boot
# No pipes: sh does not notice a failure of a command before the last one.
dpkg-query --admindir=/image/var/lib/dpkg --show --showformat='${Package} ${Version} ${source:Package} ${source:Version}\n' >/packages
sort -u /packages /boot-files/packages.txt /turnbuild/agent/packages.txt >/out/packages.txt
kernel=$(echo vmlinuz-*)
version=${kernel#vmlinuz-}
mkdir -p /initrd/bin /initrd/modules /initrd/proc /initrd/sys /initrd/dev /initrd/root /esp/EFI/BOOT /definitions
cp /boot-files/busybox /initrd/bin/
for name in sh mount umount insmod switch_root usleep grep; do ln -s busybox "/initrd/bin/$name"; done
install -m 755 /turnbuild/initrd.sh /initrd/init
number=10
# NVMe and virtio-pci are built into the kernel.
modprobe --dirname=/image --set-version="$version" --show-depends --all virtio_blk virtio_scsi sd_mod >/depends
awk '$1 == "insmod" && !seen[$2]++ { print $2 }' /depends >/modules
while read -r module; do
	name=$number-$(basename "$module")
	case $module in *.xz) xz --decompress --stdout "$module" >"/initrd/modules/${name%.xz}" ;; *) cp "$module" "/initrd/modules/$name" ;; esac
	number=$((number + 1))
done </modules
find /initrd -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
(cd /initrd && find . -print0) >/names
sort -z /names >/sorted
(cd /initrd && cpio --null --create --format=newc --reproducible --owner=0:0 --quiet </sorted) >/initrd.cpio
zstd -q -19 /initrd.cpio -o /initrd.img

ukify build --linux="$kernel" --initrd=/initrd.img --stub=/boot-files/linux.efi.stub --os-release=@/image/etc/os-release --uname="$version" \
	--cmdline="$CONSOLE root=PARTLABEL=root rw panic=10 oops=panic" --output="/esp/EFI/BOOT/$EFI_NAME"
# The firmware starts the UKI; a second copy of the kernel would only take space.
rm -f /image/boot/*
touch --date="@$SOURCE_DATE_EPOCH" /image/boot

cat >/definitions/10-esp.conf <<DEFINITION
[Partition]
Type=esp
Format=vfat
CopyFiles=/esp:/
SizeMinBytes=64M
SizeMaxBytes=64M
DEFINITION
cat >/definitions/20-root.conf <<DEFINITION
[Partition]
Type=root
Label=root
Format=ext4
CopyFiles=/image:/
DEFINITION
find /esp -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
# Without a fixed seed for the hashes of its directories, mke2fs picks a random one.
SYSTEMD_REPART_MKFS_OPTIONS_EXT4="-E hash_seed=$SEED" \
	systemd-repart --offline=yes --sector-size=512 --empty=create --size="${DISK_MIB}M" --definitions=/definitions \
	--architecture="$REPART_ARCH" --seed="$SEED" --json=short /disk.raw >/partitions.json
