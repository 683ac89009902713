# Turns an installed root into the file system of a machine that has never booted: no identity, no traces of the build.
# in:  /target, the root; /turnbuild/overlays, /turnbuild/agent and /turnbuild/agent.json; OVERLAYS besides rootfs, MODULES, MASKED,
#      ENABLED, TIME_SERVER, SOURCE_DATE_EPOCH
# out: /image
set -eu
cp -a /target /image
cd /image
rm -rf inputs native turnbuild proc/* sys/* dev/* run/* tmp/* var/tmp/* var/cache/* var/log/* var/lib/apt/lists root/.[!.]* boot/initrd.img* initrd.img* vmlinuz*
rm -f etc/resolv.conf etc/hostname etc/hosts etc/machine-id var/lib/dbus/machine-id etc/ssh/ssh_host_* var/lib/systemd/random-seed \
	var/lib/systemd/credential.secret var/lib/dpkg/*-old etc/*- .dockerenv usr/sbin/policy-rc.d
# The builder's mirror, and settings that make a build faster. Machines are rebuilt, not upgraded.
rm -rf etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/apt.conf.d/99turnbuild etc/dpkg/dpkg.cfg.d/99turnbuild \
	etc/apt/apt.conf.d/docker-* etc/dpkg/dpkg.cfg.d/docker*
mkdir -p var/cache/apt/archives/partial var/log/journal var/lib/apt/lists
# An empty file: systemd makes an id at each machine's first boot. Without the file it would also apply its presets.
: >etc/machine-id
chmod 444 etc/machine-id
ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >etc/hosts
printf 'PARTLABEL=root / ext4 noatime,x-systemd.growfs 0 0\n' >etc/fstab

# Modes do not depend on the umask that the recipes were checked out with.
for overlay in rootfs $OVERLAYS; do
	(cd "/turnbuild/overlays/$overlay" && find . -type d -exec mkdir -p -m 755 /image/{} \; && find . -type f -exec install -m 644 {} /image/{} \;)
done
if [ -e usr/lib/sysusers.d/turnbuild.conf ]; then
	systemd-sysusers --root=/image turnbuild.conf
	rm -f etc/*-
fi
[ ! -d etc/sudoers.d ] || find etc/sudoers.d -type f -exec chmod 440 {} +
install -D -m 755 /turnbuild/agent/turn-agent usr/bin/turn-agent
install -D -m 644 /turnbuild/agent.json etc/turn-agent/agent.json
# The agent writes /etc/turnserver.conf from it.
mkdir -p usr/lib/turn-agent
cp -p etc/turnserver.conf usr/lib/turn-agent/base.conf
mkdir -p etc/systemd/timesyncd.conf.d etc/modules-load.d
printf '[Time]\nNTP=%s\nFallbackNTP=\n' "$TIME_SERVER" >etc/systemd/timesyncd.conf.d/turnbuild.conf
# shellcheck disable=SC2086
printf '%s\n' $MODULES >etc/modules-load.d/turnbuild.conf

# shellcheck disable=SC2086
systemctl --root=/image --quiet mask $MASKED
# shellcheck disable=SC2086
systemctl --root=/image --quiet enable $ENABLED
# Packages from elsewhere may leave this to the machine on which they are installed.
[ ! -e usr/lib/systemd/system/amazon-ssm-agent.service ] || systemctl --root=/image --quiet enable amazon-ssm-agent.service

# Accounts have the day on which they were added.
awk -F: -v OFS=: -v day=$((SOURCE_DATE_EPOCH / 86400)) '$3 > day { $3 = day } 1' etc/shadow >/shadow
cat /shadow >etc/shadow

# Every file has the date of the coturn release or an earlier one: another build gives the same bytes.
find . -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
# The root's files may have been read since they were unpacked, depending on the builder. mke2fs gives this time to what is read from now on.
find . -exec touch --no-dereference -a --date="@$SOURCE_DATE_EPOCH" {} +
