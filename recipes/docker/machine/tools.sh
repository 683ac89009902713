# Installs what assembles a disk, and openssl and sqlite3 for maintainer scripts, on the build platform. Fetches the target's boot stub and
# busybox without installing them.
# in:  DEB_ARCH
# out: /boot-files: busybox, linux.efi.stub, packages.txt, installed.txt (as in scan.sh)
set -eu
export DEBIAN_FRONTEND=noninteractive
[ "$(dpkg --print-architecture)" = "$DEB_ARCH" ] || dpkg --add-architecture "$DEB_ARCH"
apt-get update -q -o APT::Update::Error-Mode=any
apt-get install -qy --no-install-recommends cpio dosfstools e2fsprogs kmod mtools openssl python3 sqlite3 systemd systemd-repart systemd-ukify xz-utils zstd
mkdir -p /boot-files/unpacked
cd /boot-files
apt-get download -q "busybox-static:$DEB_ARCH" "systemd-boot-efi:$DEB_ARCH"
for file in *.deb; do
	dpkg-deb -x "$file" unpacked
	# For the image's bill of materials.
	dpkg-deb --show --showformat='${Package} ${Version} ${source:Package} ${source:Version}\n' "$file" >>packages.txt
	dpkg-deb --show --showformat='${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} boot\n' "$file" >>installed.txt
done
cp unpacked/usr/bin/busybox busybox
cp unpacked/usr/lib/systemd/boot/efi/linux*.efi.stub linux.efi.stub
rm -r unpacked ./*.deb
apt-get clean
rm -rf /var/lib/apt/lists/*
