# Installs the package in the root that rpm manages, for the laboratory.
# in:  /tmp/coturn.rpm, /rpm-root, /repository (from root.sh); DEB_ARCH
set -eu
case $DEB_ARCH in
amd64) arch=x86_64 ;;
arm64) arch=aarch64 ;;
esac
dnf -q -y --installroot=/rpm-root --forcearch="$arch" --releasever=1 --disablerepo='*' --repofrompath=floor,/repository \
	--nogpgcheck --setopt=install_weak_deps=False --setopt=reposdir=/empty --setopt=cachedir=/dnf install /tmp/coturn.rpm
[ -x /rpm-root/usr/bin/turnserver ] || {
	echo "turnbuild-error: INSTALL_FAILED: dnf has not installed the package in the minimal root" >&2
	exit 1
}
