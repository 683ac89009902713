# Sourced. Checks the results that a container exports, because a package may have tampered with them.

# refuse MESSAGE: the message may contain names that a package chose.
refuse() {
	printf 'turnbuild-error: RESULT_UNSAFE: %s\n' "$(printf %s "$1" | tr -c '[:print:]' '?')" >&2
	exit 1
}

# is_plain FILE BYTES: whether an absolute path names a regular file of at most BYTES, without symbolic links. Anything else may be endless,
# or a file of the container that reads it.
is_plain() {
	[ -f "$1" ] && [ ! -L "$1" ] && [ "$(realpath -- "$1")" = "$1" ] && [ "$(stat -c %s -- "$1")" -le "$2" ]
}

# require_results FOLDER: checks results before the export, because turnbuild sees them only when they are on the user's disk, where a sparse
# file takes its full size.
# MAX_RESULTS: their maximum size in bytes, which src/stages/shared/buildx.ts checks again after the export
require_results() {
	[ -d "$1" ] && [ ! -L "$1" ] || refuse "The results of a container are not a folder"
	strange=$(LC_ALL=C find "$1" -mindepth 1 ! -type d ! -type f -printf '%P' -quit)
	[ -z "$strange" ] || refuse "The results of a container contain $strange, which is not a regular file"
	strange=$(LC_ALL=C find "$1" -mindepth 1 -name '*[!A-Za-z0-9._-]*' -printf '%P' -quit)
	[ -z "$strange" ] || refuse "The results of a container contain $strange, a name that turnbuild does not use"
	find "$1" -mindepth 1 -printf '%s\n' | awk -v most="${MAX_RESULTS:?}" '{ sum += $1 } END { exit sum > most || NR > 10000 }' ||
		refuse "The results of a container contain more than $MAX_RESULTS bytes or more than 10000 files"
}
