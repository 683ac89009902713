# Gets promtool: a package of its own from Debian 13 on; before, a part of prometheus, whose server nobody needs here.
set -eu
! apt-get install -qy --no-install-recommends promtool || exit 0
cd /tmp
# apt would hand the file to its own user, who may not write here.
apt-get download -o APT::Sandbox::User=root prometheus
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -C / ./usr/bin/promtool
rm prometheus_*.deb
promtool --version
