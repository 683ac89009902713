# Installs the package in a root of its target, for the laboratory.
# in:  /tmp/coturn.deb; /native, the build platform's tools, in a foreign root
# out: /not-installed, if it can't be
set -eu
# shellcheck source=recipes/docker/attempt.sh
. /turnbuild/attempt.sh
export DEBIAN_FRONTEND=noninteractive
[ ! -d /native ] || . /native/environment
apt-get update -q -o APT::Update::Error-Mode=any
attempt / limited apt-get install -qy --no-install-recommends /tmp/coturn.deb
apt-get clean
rm -rf /var/lib/apt/lists/*
