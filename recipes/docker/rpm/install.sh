# Installs the package in the root that rpm manages, for the laboratory.
# in:  /tmp/coturn.rpm, /rpm-root, /repository (from root.sh); DEB_ARCH
# out: /rpm-root/not-installed, if the installation fails
set -eu
# shellcheck source=recipes/docker/attempt.sh
. /turnbuild/attempt.sh
case $DEB_ARCH in
amd64) arch=x86_64 ;;
arm64) arch=aarch64 ;;
esac
attempt /rpm-root limited dnf -q -y --installroot=/rpm-root --forcearch="$arch" --releasever=1 --disablerepo='*' --repofrompath=floor,/repository \
	--nogpgcheck --setopt=install_weak_deps=False --setopt=reposdir=/empty --setopt=cachedir=/dnf install /tmp/coturn.rpm
