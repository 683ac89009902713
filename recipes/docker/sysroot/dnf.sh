# Installs packages of an rpm distribution's own repositories in a folder. Read in by the scripts beside it.
# in:  DEB_ARCH; SYSROOT_REPOSITORIES, addresses; SYSROOT_METADATA, what turnbuild has seen there, see metadata.sh; SYSROOT_SIGNED, for each of
#      them 1 if its metadata is signed and 0 if not, or nothing if none is; SYSROOT_KEYS, files with the keys of packages and metadata
# out: /repositories/turnbuild.repo; read_metadata ROOT; install_in ROOT ARGUMENT...
set -eu
export LC_ALL=C.UTF-8

fail() {
	echo "turnbuild-error: $1: $2" >&2
	exit 1
}

case $DEB_ARCH in
amd64) arch=x86_64 ;;
arm64) arch=aarch64 ;;
*) fail ARCH_UNKNOWN "rpm's name of $DEB_ARCH is not known here" ;;
esac
# Debian's rpm keeps its database in the user's home, because the system's is dpkg's; and newer ones want namespaces for scriptlets, which a
# build's container can't make.
mkdir -p /etc/rpm /repositories
printf '%s\n' '%_dbpath /var/lib/rpm' '%__transaction_unshare %{nil}' >/etc/rpm/macros

keys=
for key in $SYSROOT_KEYS; do
	[ -f "$key" ] || fail KEYS_MISSING "$key is not there: is the package that has it among the target's tools?"
	keys="$keys file://$key"
done
# shellcheck source=recipes/docker/sysroot/metadata.sh
. /turnbuild/sysroot/metadata.sh
number=0
for address in $SYSROOT_REPOSITORIES; do
	number=$((number + 1))
	cat <<REPOSITORY
[turnbuild-$number]
name=repository $number
baseurl=$address
enabled=1
gpgcheck=1
repo_gpgcheck=$(signed $number)
gpgkey=$keys
metadata_expire=never
skip_if_unavailable=0
REPOSITORY
done >/repositories/turnbuild.repo

run_dnf() {
	root=$1
	shift
	# A scriptlet of the package that waits for ever must not hold the build.
	timeout --kill-after=30 1800 dnf -y --installroot="$root" --forcearch="$arch" --releasever=1 --setopt=reposdir=/repositories --setopt=cachedir=/dnf \
		--setopt=install_weak_deps=False "$@" >/tmp/dnf.log 2>&1 && return 0
	case $? in 124 | 137) echo "Error: dnf did not finish within 1800 s" >>/tmp/dnf.log ;; esac
	cat /tmp/dnf.log
	code=SYSROOT_FAILED
	grep -qiE 'failed to download metadata|cannot download|checksum doesn.t match|all mirrors were tried|curl error' /tmp/dnf.log && code=REPOSITORY_FAILED
	fail $code "dnf could not install the distribution's packages: $(grep -iE 'error|no match|not installed|unable' /tmp/dnf.log | tail -n 1)"
}

# read_metadata ROOT: reads the repositories, once: what is installed later is from the same lists of packages.
read_metadata() {
	run_dnf "$1" makecache
	check_metadata /dnf "$1/dnf"
}

# install_in ROOT ARGUMENT...: as dnf takes them, e.g. the packages. Nothing but these repositories counts, and no weak dependencies.
install_in() {
	run_dnf "$@"
}
