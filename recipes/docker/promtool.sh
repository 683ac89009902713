# Installs promtool. Debian 13 and later have a package for it. Before, it is part of prometheus, whose server is not needed here.
set -eu
! apt-get install -qy --no-install-recommends promtool || exit 0
cd /tmp
# By default apt downloads as its own user, which may not write here.
apt-get download -o APT::Sandbox::User=root prometheus
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -C / ./usr/bin/promtool
rm prometheus_*.deb
promtool --version
