# Makes a minimal root that rpm manages from Debian's own binaries, repackaged as rpms. dnf installs some of them. The others stay in the
# repository, for dependency resolution.
# in:  DEB_ARCH; root of the distribution, for the build machine
# out: /rpm-root (the root, with its database), and in it /repository
set -eu
# Packages in the root, and packages only in the repository: the dependencies that the package under test must pull in.
installed='bash coreutils diffutils dnf findutils gawk grep gzip hostname libc-bin procps rpm sed tar util-linux'
offered='passwd systemd'
PACKAGES="base-files base-passwd $installed $offered" sh /turnbuild/repackage.sh
case $DEB_ARCH in
amd64) arch=x86_64 ;;
arm64) arch=aarch64 ;;
esac

# The list is split into words on purpose.
# shellcheck disable=SC2086
dnf -q -y --installroot=/rpm-root --forcearch="$arch" --releasever=1 --disablerepo='*' --repofrompath=floor,/repository \
	--nogpgcheck --setopt=install_weak_deps=False --setopt=reposdir=/empty --setopt=cachedir=/dnf install base-files base-passwd $installed \
	>/specs/dnf.log 2>&1 || {
	cat /specs/dnf.log
	echo "turnbuild-error: ROOT_FAILED: dnf cannot install the minimal root: $(grep -i error /specs/dnf.log | tail -n 1)" >&2
	exit 1
}
cp -a /repository /rpm-root/repository
