# Installs the package in a root of its target, for the laboratory.
# in:  /tmp/coturn.deb; in a foreign root /native, the build platform's tools
# out: /not-installed, if the installation fails
set -eu
# shellcheck source=recipes/docker/attempt.sh
. /turnbuild/attempt.sh
export DEBIAN_FRONTEND=noninteractive
[ ! -d /native ] || . /native/environment
apt-get update -q -o APT::Update::Error-Mode=any
attempt / limited apt-get install -qy --no-install-recommends /tmp/coturn.deb
apt-get clean
rm -rf /var/lib/apt/lists/*
