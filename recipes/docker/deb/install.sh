# Installs the package in a root of its target, for the laboratory.
# in: /tmp/coturn.deb; /native, the build platform's tools, in a foreign root
set -eu
export DEBIAN_FRONTEND=noninteractive
[ ! -d /native ] || . /native/environment
apt-get update -q -o APT::Update::Error-Mode=any
apt-get install -qy --no-install-recommends /tmp/coturn.deb
rm -rf /var/lib/apt/lists/*
