#!/bin/sh
# The whole initrd: loads the drivers of the disk, mounts the root file system and starts its init. The root partition is found by its name in
# the partition table, so that one image boots from NVMe, virtio-blk and virtio-scsi.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*.ko; do
	insmod "$module"
done

# The disk may appear late. 60 s is more than any cloud needs.
tries=0
device=
while [ -z "$device" ]; do
	for uevent in /sys/class/block/*/uevent; do
		if grep -qs '^PARTNAME=root$' "$uevent"; then
			device=${uevent%/uevent}
			device=/dev/${device##*/}
		fi
	done
	[ -n "$device" ] || usleep 50000
	tries=$((tries + 1))
	if [ $tries -gt 1200 ]; then
		echo 'turnbuild: found no partition with the name root'
		# An error that the kernel reports and, with panic=, ends with a reboot.
		exit 1
	fi
done
mount -t ext4 -o rw,noatime "$device" /root || exit 1
umount /proc /sys
mount --move /dev /root/dev
exec switch_root /root /sbin/init
