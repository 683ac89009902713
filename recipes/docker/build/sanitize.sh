# Compiles turnserver with AddressSanitizer, which aborts with a report on an invalid memory access.
# in:  as for build.sh
# out: /out/turnserver
set -eu
export LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH
umask 022
export SANITIZE=address SANITIZER_LIBRARY=asan MAKE_TARGET=bin/turnserver
. /turnbuild/compile.sh
mkdir -p /out
cp bin/turnserver /out/turnserver
"$GNU_TRIPLE-readelf" --wide --symbols /out/turnserver | grep -q __asan_report_load1 ||
	fail SANITIZER_MISSING "turnserver was compiled without AddressSanitizer"
