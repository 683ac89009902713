# Records what is on the disk, for the checks in src/checks/machine. Runs nothing of the image. The image's packages choose names and contents.
# in:  /image, the root file system, unchanged since it was copied into /disk.raw; /partitions.json; /esp
# out: /out/facts: tree.txt, owners.txt, installed.txt, accounts.txt, passwd, group, keys.txt, disk.txt,
#      go.txt, go-package.txt, configuration/
set -eu
export LC_ALL=C
mkdir -p /out/facts/configuration
cd /image

# TYPE MODE UID GID BYTES LINKS MTIME PATH LINK, separated by tabs
find . -printf '%y\t%m\t%U\t%G\t%s\t%n\t%Ts\t%P\t%l\n' >/tree
sort -t "$(printf '\t')" -k 8,8 /tree >/out/facts/tree.txt
# PACKAGE PATH
for list in var/lib/dpkg/info/*.list; do
	name=${list##*/}
	name=${name%.list}
	sed "s/^/${name%%:*}\t/" "$list"
done >/out/facts/owners.txt
dpkg-query --admindir=/image/var/lib/dpkg --show \
	--showformat='${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} ${db:Status-Abbrev}\n' >/out/facts/installed.txt
cat /boot-files/installed.txt >>/out/facts/installed.txt
cp /turnbuild/agent/go.txt /out/facts/
cp /turnbuild/agent/packages.txt /out/facts/go-package.txt

# Hashes of passwords don't leave the container: DATABASE NAME locked|empty|password
for database in shadow gshadow; do
	awk -F: -v database=$database \
		'{ print database, $1, $2 == "" ? "empty" : $2 ~ /^[!*]+$/ ? "locked" : "password" }' etc/$database
done >/out/facts/accounts.txt
cp etc/passwd etc/group /out/facts/
for file in etc/turnserver.conf usr/lib/turn-agent/base.conf etc/default/coturn; do
	[ ! -f "$file" ] || cp "$file" "/out/facts/configuration/$(echo "$file" | tr / -)"
done

# found PATTERN [OPTION]...: adds the files that contain it. grep exits with 1 if there are none.
found() {
	pattern=$1
	shift
	grep -rl --devices=skip "$@" -e "$pattern" . >>/keys || [ $? = 1 ]
}
# Programs that read keys contain the first line of a key, but not the lines after it.
found '-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\r?\n|\\n)(?:[A-Za-z0-9+/]{16}|[A-Z][A-Za-z-]+: |\r?\n)' --text --null-data --perl-regexp
found '(^|[^A-Za-z0-9])(AKIA|ASIA)[A-Z0-9]{16}([^A-Za-z0-9]|$)' --binary-files=without-match --extended-regexp
sed 's,^\./,,' /keys >/found
sort -u /found >/out/facts/keys.txt

# release NAME: a value of os-release(5)
release() {
	sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" usr/lib/os-release
}

offset=$(python3 -c 'import json; print(*(each["offset"] for each in json.load(open("/partitions.json")) if each["type"].startswith("root")))')
e2fsck -fn "/disk.raw?offset=$offset" && clean=yes || clean=no
debugfs -R "show_super_stats -h" "/disk.raw?offset=$offset" >/superblock
{
	echo "clean $clean"
	echo "distribution $(release ID)-$(release VERSION_ID)"
	awk -F': *' '
		$1 == "Block count" { print "blocks", $2 }
		$1 == "Free blocks" { print "free", $2 }
		$1 == "Overhead clusters" { print "overhead", $2 }
		$1 == "Block size" { print "block-bytes", $2 }' /superblock
	echo "boot-bytes $(stat -c %s /esp/EFI/BOOT/*)"
} >/out/facts/disk.txt
