# Compresses the disk as its cloud wants it.
# in:  /disk.raw; SOURCE_DATE_EPOCH, DISK_FORMAT (raw.zst or tar.gz)
# out: /out/disk
set -eu
case $DISK_FORMAT in
# The number of threads is fixed, although the bytes should not depend on it.
raw.zst) zstd -q -3 -T4 /disk.raw -o /out/disk ;;
# Google's import takes exactly this format: one sparse file in an old GNU tar.
tar.gz)
	tar --create --file=/disk.tar --format=oldgnu --sparse --hole-detection=raw --owner=0 --group=0 --numeric-owner --mode=644 \
		--mtime="@$SOURCE_DATE_EPOCH" --directory=/ disk.raw
	gzip --no-name -6 </disk.tar >/out/disk
	;;
esac
