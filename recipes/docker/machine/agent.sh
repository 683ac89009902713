# Compiles turn-agent for DEB_ARCH on the build platform's own processor.
# in:  /agent, its source; DEB_ARCH
# out: /out/turn-agent, the same bytes from any build with the same Go
set -eu
cd /agent
# No downloads: the program uses the standard library only.
export CGO_ENABLED=0 GOARCH="$DEB_ARCH" GOFLAGS=-mod=readonly GOPROXY=off GOTOOLCHAIN=local GOCACHE=/tmp/go
go build -trimpath -buildvcs=false -ldflags '-s -w -buildid=' -o /out/turn-agent .
rm -rf /tmp/go
