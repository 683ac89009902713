# Compiles turn-agent for DEB_ARCH on the build platform's own processor.
# in:  $1, the folder of its source without tests; DEB_ARCH
# out: $2: turn-agent, the same bytes from any build with the same Go; go.txt, Go's version; packages.txt, its package as in disk.sh
set -eu
cd "$1"
# Its version is a digest of its source, so that it changes if and only if the program does.
work=$(mktemp -d)
find . -type f -exec sha256sum {} + >"$work/files"
LC_ALL=C sort -k 2 "$work/files" >"$work/sorted"
digest=$(sha256sum "$work/sorted")
version=$(printf %.12s "$digest")
# No downloads: the program uses the standard library only.
export CGO_ENABLED=0 GOARCH="$DEB_ARCH" GOFLAGS=-mod=readonly GOPROXY=off GOTOOLCHAIN=local GOCACHE="$work/go"
go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version" -o "$2/turn-agent" .
rm -rf "$work"
go env GOVERSION >"$2/go.txt"
dpkg-query --show --showformat='${Package} ${Version} ${source:Package} ${source:Version}\n' 'golang-1*-go' >"$2/packages.txt"
