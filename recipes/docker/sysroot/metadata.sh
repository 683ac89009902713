# Checks that dnf got the same metadata as turnbuild, which refuses metadata that is older than it has seen before. Sourced by dnf.sh.
# in: SYSROOT_REPOSITORIES; SYSROOT_METADATA, SHA-256 of each repository's repomd.xml, in the same order; SYSROOT_SIGNED; fail

# signed NUMBER: 1 if this repository's metadata is signed, else 0
signed() {
	echo "${SYSROOT_SIGNED:-0}" | cut -d ' ' -f "$1"
}

# check_metadata FOLDER...: the folders where dnf's cache can be
check_metadata() {
	number=0
	for _ in $SYSROOT_REPOSITORIES; do
		number=$((number + 1))
		expected=$(echo "${SYSROOT_METADATA:-}" | cut -d ' ' -f $number)
		found=
		for folder; do
			for repomd in "$folder/repository-$number"-*/repodata/repomd.xml; do
				[ -f "$repomd" ] || continue
				found=$(sha256sum "$repomd" | cut -d ' ' -f 1)
				[ "$found" = "$expected" ] || fail REPOSITORY_CHANGED "repository $number gave dnf a different repomd.xml than turnbuild"
			done
		done
		[ -n "$found" ] || fail SYSROOT_FAILED "dnf's cache has no repomd.xml of repository $number"
	done
}
