# Compares the whole tree before and after a package, like piuparts. Runs on the build platform, outside the trees.
# in:  /trees/{prepared,used,replaceable,run}: the target's root after each part of main.sh
#      FORMAT: deb or rpm
#      TOOLS, and NATIVE_TRIPLE, if TOOLS=native: the library folder that was mounted over the trees
#      MAX_RESULTS: as results.sh has it
# out: /out: regular files of /out in the last tree, plus *.changes.txt and the facts of the comparisons
set -eu
export LC_ALL=C.UTF-8
. /turnbuild/results.sh

mkdir -p /out
require_results /trees/run/out
(cd /trees/run/out && find . -maxdepth 1 -type f ! -name '*.changes.txt' -exec cp -- '{}' /out/ ';')
compared='^(upgrade-)?purge[.](compared|accounts)	'
# Of the copies, because a package can make anything of its own: a link, or a file that never ends.
[ -f /out/facts.txt ] || : >/out/facts.txt
grep -vE "$compared" /out/facts.txt >/tmp/facts || true
cp /tmp/facts /out/facts.txt

# fact NAME VALUE
fact() {
	printf '%s\t%s\n' "$1" "$2" >>/out/facts.txt
}

# left_out: paths that are not compared, as arguments of find(1): file systems that are not on a disk, results, and the records of the
# package managers. The build platform's tools are mounted read-only where they are used, and only there can a package leave nothing in them.
left_out() {
	printf '%s\n' proc sys dev run tmp out
	case $FORMAT in
	deb) printf '%s\n' var/lib/apt var/cache/apt var/log/apt ;;
	rpm) printf '%s\n' var/lib/rpm var/cache/dnf var/lib/dnf ;;
	esac
	[ "$TOOLS" != native ] || printf '%s\n' native "usr/lib/$NATIVE_TRIPLE"
	[ "$TOOLS $FORMAT" != 'native rpm' ] || printf '%s\n' etc/rpm/platform etc/rpm/macros.native
}

# everything FIND-EXPRESSION, in the root that is the working folder.
everything() {
	prune=
	for path in $(left_out); do prune="$prune -path ./$path -o"; done
	# Split into words on purpose.
	# shellcheck disable=SC2086
	LC_ALL=C find . -xdev \( $prune -false \) -prune -o "$@"
}

# Both are one field of one line below.
strange='-path *[[:cntrl:]]* -o -lname *[[:cntrl:]]*'

# snapshot TREE: each path with its kind, mode, owner, and digest or target, in /tmp/TREE.snapshot; paths that can't be written there, or whose
# target can't, in /tmp/TREE.strange.
snapshot() {
	(
		cd "/trees/$1"
		# The asterisks are find's.
		set -f
		# A file without an end, which a sparse one is in practice, would be read for ever.
		everything -type f -printf '%s\n' | awk '{ sum += $1 } END { exit sum > 2 ^ 34 }' ||
			refuse "The root of a container has more than 16 GiB"
		# shellcheck disable=SC2086
		everything \( $strange \) -print0 | tr '\000-\037\177' '\n?' | LC_ALL=C sort >"/tmp/$1.strange"
		{
			# With -z, sha256sum does not escape names.
			# shellcheck disable=SC2086
			everything -type f ! \( $strange \) -print0 | xargs -0 sha256sum -z | tr '\000' '\n' |
				sed 's/^\([0-9a-f]*\)  [.]/digest\t\1\t/'
			# shellcheck disable=SC2086
			everything ! \( $strange \) -printf 'path\t%y %m %U:%G\t/%P\t%l\n'
		} | awk -F '\t' '
			$1 == "digest" { digest[$3] = $2 }
			$1 == "path" { print $3 "\t" $2 " " ($3 in digest ? digest[$3] : $4) }' | LC_ALL=C sort >"/tmp/$1.snapshot"
	)
	is_plain "/trees/$1/etc/passwd" 1048576 || refuse "/etc/passwd of a container is no plain file"
	cut -d: -f1 "/trees/$1/etc/passwd" | LC_ALL=C sort >"/tmp/$1.accounts"
}

# compare NAME BEFORE AFTER: lines "added|removed|changed TAB path TAB before TAB after" in /out/NAME.changes.txt. dnf installs other
# packages along with an .rpm, so rpm lists their files. Before a .deb its dependencies are installed: everything added later is its own,
# and a list in its tree is not read, because the package could have written it.
compare() {
	owned=/dev/null
	if [ "$FORMAT" = rpm ] && [ -e "/trees/$3/tmp/owned" ]; then
		owned=/trees/$3/tmp/owned
		is_plain "$owned" 67108864 || refuse "The list of installed files is no plain file"
	fi
	snapshot "$2"
	snapshot "$3"
	# No exception is made for a path that does not begin with a slash.
	sed 's/.*/added\t& (control characters)\t\t/' "/tmp/$3.strange" >"/tmp/$1.strange"
	sed 's/.*/removed\t& (control characters)\t\t/' "/tmp/$2.strange" >>"/tmp/$1.strange"
	awk -F '\t' -v OFS='\t' '
		FILENAME == ARGV[1] { owned[$1]; next }
		FILENAME == ARGV[2] { before[$1] = $2; next }
		{
			after[$1]
			if (!($1 in before)) { if (!($1 in owned)) print "added", $1, "", $2 }
			else if (before[$1] != $2) print "changed", $1, before[$1], $2
		}
		END { for (path in before) if (!(path in after)) print "removed", path, before[path], "" }' \
		"$owned" "/tmp/$2.snapshot" "/tmp/$3.snapshot" | LC_ALL=C sort - "/tmp/$1.strange" >"/out/$1.changes.txt"
	fact "$1.compared" "$(wc -l <"/tmp/$3.snapshot")"
	fact "$1.accounts" "$(LC_ALL=C comm -3 "/tmp/$2.accounts" "/tmp/$3.accounts" | tr -d '\t')"
}

! grep -q '^seconds[.]purge	' /out/facts.txt || compare purge prepared used
! grep -q '^seconds[.]distribution	' /out/facts.txt || compare upgrade-purge replaceable run
