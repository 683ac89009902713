# Sourced. What a container hands to turnbuild, where a package may have had a hand in it.

# refuse MESSAGE: the message may have what a package has named.
refuse() {
	printf 'turnbuild-error: RESULT_UNSAFE: %s\n' "$(printf %s "$1" | tr -c '[:print:]' '?')" >&2
	exit 1
}

# is_plain FILE BYTES: a regular file that no link leads to, and not larger than this. FILE is an absolute path. Anything else may have no
# end, or be a file of the container that reads it.
is_plain() {
	[ -f "$1" ] && [ ! -L "$1" ] && [ "$(realpath -- "$1")" = "$1" ] && [ "$(stat -c %s -- "$1")" -le "$2" ]
}

# require_results FOLDER: once exported, they are on the user's disk before turnbuild can look at them, and a sparse file has its full size there.
# MAX_RESULTS: their bytes, which are counted once more there (src/stages/shared/buildx.ts)
require_results() {
	[ -d "$1" ] && [ ! -L "$1" ] || refuse "The results of a container are no folder"
	strange=$(LC_ALL=C find "$1" -mindepth 1 ! -type d ! -type f -printf '%P' -quit)
	[ -z "$strange" ] || refuse "The results of a container have $strange, which is not a regular file"
	strange=$(LC_ALL=C find "$1" -mindepth 1 -name '*[!A-Za-z0-9._-]*' -printf '%P' -quit)
	[ -z "$strange" ] || refuse "The results of a container have $strange, a name that turnbuild gives to nothing"
	find "$1" -mindepth 1 -printf '%s\n' | awk -v most="${MAX_RESULTS:?}" '{ sum += $1 } END { exit sum > most || NR > 10000 }' ||
		refuse "The results of a container have more than $MAX_RESULTS bytes, or more than 10000 files"
}
