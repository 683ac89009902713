# Compares the whole tree before and after a package is used, like piuparts. Runs on the build platform, outside the trees.
# in:  /trees/{prepared,used,replaceable,run}: the target's root after each part of main.sh
#      FORMAT: deb or rpm
#      TOOLS, and NATIVE_TRIPLE, if TOOLS=native: the library folder that was mounted over the trees
#      MAX_RESULTS: as for results.sh
# out: /out: regular files of /out in the last tree, plus *.changes.txt, *.accounts.txt and the facts of the comparisons
set -eu
export LC_ALL=C.UTF-8
. /turnbuild/results.sh

mkdir -p /out
require_results /trees/run/out
(cd /trees/run/out && find . -maxdepth 1 -type f ! -name '*.changes.txt' ! -name '*.accounts.txt' -exec cp -- '{}' /out/ ';')
compared='^(upgrade-)?purge[.]compared	'
# Read the copies, because a package can replace a file by a link or by an endless file.
[ -f /out/facts.txt ] || : >/out/facts.txt
grep -vE "$compared" /out/facts.txt >/tmp/facts || true
cp /tmp/facts /out/facts.txt

# fact NAME VALUE
fact() {
	printf '%s\t%s\n' "$1" "$2" >>/out/facts.txt
}

# left_out: paths to exclude, as arguments of find(1): virtual file systems, and results. The build platform's tools are excluded only where
# they are mounted, because there they are read-only.
left_out() {
	printf '%s\n' proc sys dev run tmp out
	[ "$TOOLS" != native ] || printf '%s\n' native "usr/lib/$NATIVE_TRIPLE"
	[ "$TOOLS $FORMAT" != 'native rpm' ] || printf '%s\n' etc/rpm/platform etc/rpm/macros.native
}

# everything FIND-EXPRESSION: searches the root in the working directory.
everything() {
	prune=
	for path in $(left_out); do prune="$prune -path ./$path -o"; done
	# Split into words on purpose.
	# shellcheck disable=SC2086
	LC_ALL=C find . -xdev \( $prune -false \) -prune -o "$@"
}

# Paths and link targets are fields of a line below, so they must not contain control characters.
strange='-path *[[:cntrl:]]* -o -lname *[[:cntrl:]]*'

# attributes: extended attributes, including access control lists and file capabilities, one `attribute TAB path TAB name=value` per line.
# Excludes SELinux labels, which are the host's, and the checksums that dnf adds to packages that it reads.
attributes() {
	most=16777216
	timeout --signal=KILL 300 getfattr --recursive --physical --no-dereference --dump --match=- --encoding=hex . \
		2>/tmp/attributes.errors | head -c $((most + 1)) >/tmp/attributes
	[ ! -s /tmp/attributes.errors ] && [ "$(stat -c %s /tmp/attributes)" -le $most ] ||
		refuse "Cannot read the extended attributes of a container's files"
	# getfattr escapes characters of a path. The only one that is allowed in a path here is the backslash.
	tr '\000-\011\013-\037\177' '?' </tmp/attributes | awk -v OFS='\t' '
		sub(/^# file: /, "") { gsub(/\\134/, "\\"); path = "/" ($0 == "." ? "" : $0); next }
		/./ && !/^(security[.]selinux|user[.]Librepo[.]checksum[.][a-z0-9]+)=/ { print "attribute", path, $0 }' | LC_ALL=C sort
}

# snapshot TREE: writes each path with its kind, mode, owner, digest or target, and extended attributes to /tmp/TREE.snapshot. Paths with
# control characters in name or target go to /tmp/TREE.strange.
snapshot() {
	(
		cd "/trees/$1"
		# find expands the asterisks.
		set -f
		# Refuse huge files, which can be sparse: hashing them would take too long.
		everything -type f -printf '%s\n' | awk '{ sum += $1 } END { exit sum > 2 ^ 34 }' ||
			refuse "The root of a container contains more than 16 GiB"
		# shellcheck disable=SC2086
		everything \( $strange \) -print0 | tr '\000-\037\177' '\n?' | LC_ALL=C sort >"/tmp/$1.strange"
		attributes >"/tmp/$1.attributes"
		{
			cat "/tmp/$1.attributes"
			# With -z, sha256sum does not escape names.
			# shellcheck disable=SC2086
			everything -type f ! \( $strange \) -print0 | xargs -0 sha256sum -z | tr '\000' '\n' |
				sed 's/^\([0-9a-f]*\)  [.]/digest\t\1\t/'
			# shellcheck disable=SC2086
			everything ! \( $strange \) -printf 'path\t%y %m %U:%G\t/%P\t%l\n'
		} | awk -F '\t' '
			$1 == "digest" { digest[$3] = $2 }
			$1 == "attribute" { more[$2] = more[$2] " {" $3 "}" }
			$1 == "path" { print $3 "\t" $2 " " ($3 in digest ? digest[$3] : $4) more[$3] }' | LC_ALL=C sort >"/tmp/$1.snapshot"
	)
}

# account_file TREE NAME: copies an account file to /tmp/TREE.NAME; empty if it does not exist.
account_file() {
	: >"/tmp/$1.$2"
	[ -e "/trees/$1/etc/$2" ] || [ -L "/trees/$1/etc/$2" ] || return 0
	is_plain "/trees/$1/etc/$2" 1048576 || refuse "/etc/$2 of a container is not a regular file of at most 1 MiB"
	tr '\000-\011\013-\037\177' '?' <"/trees/$1/etc/$2" >"/tmp/$1.$2"
}

# accounts NAME BEFORE AFTER: writes added and removed account records to /out/NAME.accounts.txt: "added|removed TAB file TAB record", and
# "shared TAB file TAB field" for names and numbers of several records. A backup may also contain old records.
accounts() {
	for file in passwd group shadow gshadow subuid subgid; do
		for each in $file $file-; do
			account_file "$2" $each
			account_file "$3" $each
		done
		# Keep the order: of two records with the same number, the first one applies.
		timeout --signal=KILL 60 diff --text "/tmp/$2.$file" "/tmp/$3.$file" >"/tmp/$file.diff" || [ $? -eq 1 ] ||
			refuse "Cannot compare /etc/$file of a container"
		sed -n "s/^> /added\t$file\t/p; s/^< /removed\t$file\t/p" "/tmp/$file.diff"
		awk -v name=$file- -v OFS='\t' 'FILENAME != ARGV[4] { old[$0]; next } !($0 in old) { print "added", name, $0 }' \
			"/tmp/$2.$file" "/tmp/$3.$file" "/tmp/$2.$file-" "/tmp/$3.$file-"
		case $file in
		passwd | group) for field in 1 3; do
			cut -d: -f$field "/tmp/$3.$file" | LC_ALL=C sort | uniq -d | sed "s/^/shared\t$file\t/"
		done ;;
		esac
	done >"/tmp/$1.records"
	# Password hashes must not leave the container. Dates of changes depend on the day.
	awk -F '\t' -v OFS='\t' '
		BEGIN { fields["passwd"] = 7; fields["group"] = fields["gshadow"] = 4; fields["shadow"] = 9; fields["subuid"] = fields["subgid"] = 3 }
		$1 != "shared" {
			file = $2; sub(/-$/, "", file)
			count = split($3, field, ":")
			if (count != fields[file]) $3 = "(malformed)"
			else if (file !~ /^sub/) {
				if (field[2] !~ /^(x|[*]|!|!!|![*])?$/) field[2] = "(set)"
				if (file == "shadow" && field[3] ~ /^[0-9]+$/) field[3] = "(day)"
				$3 = field[1]
				for (i = 2; i <= count; i++) $3 = $3 ":" field[i]
			}
		}
		{ print }' "/tmp/$1.records" >"/out/$1.accounts.txt"
}

# cached_libraries TREE: writes names and paths from the dynamic linker's cache to /tmp/TREE.libraries, separated by a tab, or `unreadable`
# for an invalid entry. Detects a forged list by its form: names have no blanks, and the first line has their number.
cached_libraries() {
	: >/tmp/cache
	! is_plain "/trees/$1/etc/ld.so.cache" 16777216 ||
		timeout --signal=KILL 60 ldconfig --print-cache -C "/trees/$1/etc/ld.so.cache" 2>/dev/null | head -c 16777216 >/tmp/cache
	awk -v OFS='\t' '
		NR == 1 && $2 == "libs" { count = $1; next }
		/^\t[A-Za-z0-9._+-]+ \([^()]*\) => \/[A-Za-z0-9._+\/-]+$/ { found++; print $1, $NF; next }
		!/^Cache generated by: / { print "unreadable" }
		END { if (NR == 0 || found != count) print "unreadable" }' /tmp/cache >"/tmp/$1.libraries"
}

# compare NAME BEFORE AFTER: writes lines "added|removed|changed TAB path TAB before TAB after" to /out/NAME.changes.txt. A link and the
# dynamic linker's cache get a further field, `known`, if their targets existed before or belong to another package. dnf installs other
# packages along with an .rpm, so rpm lists their files. The dependencies of a .deb are installed before, so everything added later belongs
# to the package. A list in its tree is not read, because the package could have written it.
compare() {
	owned=/dev/null
	if [ "$FORMAT" = rpm ] && [ -e "/trees/$3/tmp/owned" ]; then
		owned=/trees/$3/tmp/owned
		is_plain "$owned" 67108864 || refuse "The list of installed files is not a regular file of at most 64 MiB"
	fi
	snapshot "$2"
	snapshot "$3"
	accounts "$1" "$2" "$3"
	cached_libraries "$3"
	# The cache of a foreign root also lists libraries that were mounted over the tree and are not in it.
	mounted=
	[ "$TOOLS" != native ] || mounted=$NATIVE_TRIPLE
	# A path without a leading slash is never known.
	sed 's/.*/added\t& (control characters)\t\t/' "/tmp/$3.strange" >"/tmp/$1.strange"
	sed 's/.*/removed\t& (control characters)\t\t/' "/tmp/$2.strange" >>"/tmp/$1.strange"
	awk -F '\t' -v OFS='\t' -v mounted="$mounted" '
		# reached(path): resolves it in the later tree, as a process in that root would; empty if it does not resolve.
		function reached(path, left, at, part, links) {
			left = path
			path = ""
			for (;;) {
				sub(/^\/+/, "", left)
				if (left == "") return path
				at = index(left "/", "/")
				part = substr(left, 1, at - 1)
				left = substr(left, at)
				if (part == ".") continue
				if (part == "..") { sub(/\/[^\/]*$/, "", path); continue }
				if (!((path "/" part) in after)) return ""
				if (after[path "/" part] !~ /^l /) { path = path "/" part; continue }
				if (++links > 40) return ""
				part = after[path "/" part]
				sub(/^l [0-7]+ [0-9]+:[0-9]+ /, "", part)
				if (part ~ /^\//) path = ""
				left = part left
			}
		}
		# Variable data is not a command or library, so a link to it is not known.
		function is_known(path) {
			path = reached(path)
			return path in after && after[path] ~ /^f / && path !~ /^\/var\// && (path in before || path in owned)
		}
		function is_library(name, path) {
			if (substr(path, length(path) - length(name)) != "/" name) return 0
			if (mounted != "" && path ~ ("^(/usr)?/lib/" mounted "/[^/]+$")) return 1
			return is_known(path)
		}
		function leads_to_known(path) {
			return path == "/etc/ld.so.cache" ? cached : after[path] ~ /^l / && is_known(path)
		}
		function tell(kind, path, was) {
			if (leads_to_known(path)) print kind, path, was, after[path], "known"
			else print kind, path, was, after[path]
		}
		FILENAME == ARGV[1] { owned[$1]; next }
		FILENAME == ARGV[2] { before[$1] = $2; next }
		FILENAME == ARGV[3] { after[$1] = $2; next }
		{ library[$1, $2] }
		END {
			cached = 1
			for (each in library) { split(each, pair, SUBSEP); cached = cached && is_library(pair[1], pair[2]) }
			for (path in after)
				if (!(path in before)) { if (!(path in owned)) tell("added", path, "") }
				else if (before[path] != after[path]) tell("changed", path, before[path])
			for (path in before) if (!(path in after)) print "removed", path, before[path], ""
		}' "$owned" "/tmp/$2.snapshot" "/tmp/$3.snapshot" "/tmp/$3.libraries" |
		LC_ALL=C sort - "/tmp/$1.strange" >"/out/$1.changes.txt"
	fact "$1.compared" "$(wc -l <"/tmp/$3.snapshot")"
}

! grep -q '^seconds[.]purge	' /out/facts.txt || compare purge prepared used
! grep -q '^seconds[.]distribution	' /out/facts.txt || compare upgrade-purge replaceable run
