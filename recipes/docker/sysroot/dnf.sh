# Installs packages from an rpm distribution's own repositories in a folder. Sourced by the scripts beside it.
# in:  DEB_ARCH; SYSROOT_REPOSITORIES, addresses; SYSROOT_METADATA, digests of the metadata that turnbuild saw, see metadata.sh;
#      SYSROOT_SIGNED, for each repository 1 if its metadata is signed, else 0, or empty if none is; SYSROOT_KEYS, files with the keys of
#      packages and metadata
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
*) fail ARCH_UNKNOWN "unknown architecture $DEB_ARCH: it has no rpm name here" ;;
esac
# Debian's rpm has its database in the user's home by default, because dpkg manages the system. Newer versions use namespaces for
# scriptlets, which a build container cannot create.
mkdir -p /etc/rpm /repositories
printf '%s\n' '%_dbpath /var/lib/rpm' '%__transaction_unshare %{nil}' >/etc/rpm/macros

keys=
for key in $SYSROOT_KEYS; do
	[ -f "$key" ] || fail KEYS_MISSING "$key does not exist: add the package that contains it to the target's tools"
	keys="$keys file://$key"
done
# shellcheck source=recipes/docker/sysroot/metadata.sh
. /turnbuild/sysroot/metadata.sh
# The ids do not contain "turn": after a removal, paths with the name count as left by the package (src/checks/tree-changes.ts).
number=0
for address in $SYSROOT_REPOSITORIES; do
	number=$((number + 1))
	cat <<REPOSITORY
[repository-$number]
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
	# Limit the time: a scriptlet that never ends must not block the build.
	timeout --kill-after=30 1800 dnf -y --installroot="$root" --forcearch="$arch" --releasever=1 --setopt=reposdir=/repositories --setopt=cachedir=/dnf \
		--setopt=install_weak_deps=False "$@" >/tmp/dnf.log 2>&1 && return 0
	case $? in 124 | 137) echo "Error: dnf did not finish within 1800 s" >>/tmp/dnf.log ;; esac
	cat /tmp/dnf.log
	code=SYSROOT_FAILED
	grep -qiE 'failed to download metadata|cannot download|checksum doesn.t match|all mirrors were tried|curl error' /tmp/dnf.log && code=REPOSITORY_FAILED
	fail $code "dnf cannot install the distribution's packages: $(grep -iE 'error|no match|not installed|unable' /tmp/dnf.log | tail -n 1)"
}

# read_metadata ROOT: reads the repositories once. Later installations use the same metadata.
read_metadata() {
	run_dnf "$1" makecache
	check_metadata /dnf "$1/dnf"
}

# install_in ROOT ARGUMENT...: runs dnf with these arguments, only these repositories and no weak dependencies.
install_in() {
	run_dnf "$@"
}
