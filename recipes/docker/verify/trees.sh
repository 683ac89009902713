# Compares the whole tree before and after a package, like piuparts. Runs on the build platform, outside the trees.
# in:  /trees/{prepared,used,replaceable,run}: the target's root after each part of main.sh
#      FORMAT: deb or rpm
#      TOOLS, and NATIVE_TRIPLE, if TOOLS=native: the library folder that was mounted over the trees
# out: /out: regular files of /out in the last tree, plus *.changes.txt and the facts of the comparisons
set -eu
libraries=./native
[ "$TOOLS" != native ] || libraries=./usr/lib/$NATIVE_TRIPLE
export LC_ALL=C.UTF-8
mkdir -p /out
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

# everything FIND-EXPRESSION, in the root that is the working folder. Left out: what belongs to the verification itself, file systems that
# are not on a disk, and the records of apt, dnf and rpm. The build platform's tools are mounted read-only: a package can leave nothing there.
everything() {
	find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./tmp -o -path ./out -o -path ./inputs \
		-o -path ./turnbuild -o -path ./certificate -o -path ./var/lib/apt -o -path ./var/cache/apt -o -path ./var/log/apt \
		-o -path ./native -o -path "$libraries" -o -path ./etc/rpm/platform -o -path ./etc/rpm/macros.native \
		-o -path ./repository -o -path ./variants -o -path ./var/cache/dnf -o -path ./var/lib/dnf -o -path ./var/lib/rpm \) \
		-prune -o "$@"
}

# snapshot TREE: each path with its kind, mode, owner, and digest or target, in /tmp/TREE.snapshot.
snapshot() {
	(
		cd "/trees/$1"
		everything -type f -print0 | xargs -0 sha256sum | sed 's/^\([0-9a-f]*\)  [.]/digest\t\1\t/'
		everything -printf 'path\t%y %m %U:%G\t/%P\t%l\n'
	) | awk -F '\t' '
		$1 == "digest" { digest[$3] = $2 }
		$1 == "path" { print $3 "\t" $2 " " ($3 in digest ? digest[$3] : $4) }' | LC_ALL=C sort >"/tmp/$1.snapshot"
	cut -d: -f1 "/trees/$1/etc/passwd" | LC_ALL=C sort >"/tmp/$1.accounts"
}

# compare NAME BEFORE AFTER: lines "added|removed|changed TAB path TAB before TAB after" in /out/NAME.changes.txt. dnf installs other
# packages along with an .rpm, so rpm lists their files. Before a .deb its dependencies are installed: everything added later is its own,
# and a list in its tree is not read, because the package could have written it.
compare() {
	owned=/dev/null
	[ "$FORMAT" != rpm ] || owned=/trees/$3/tmp/owned
	snapshot "$2"
	snapshot "$3"
	awk -F '\t' -v OFS='\t' '
		FILENAME == ARGV[1] { owned[$1]; next }
		FILENAME == ARGV[2] { before[$1] = $2; next }
		{
			after[$1]
			if (!($1 in before)) { if (!($1 in owned)) print "added", $1, "", $2 }
			else if (before[$1] != $2) print "changed", $1, before[$1], $2
		}
		END { for (path in before) if (!(path in after)) print "removed", path, before[path], "" }' \
		"$owned" "/tmp/$2.snapshot" "/tmp/$3.snapshot" | LC_ALL=C sort >"/out/$1.changes.txt"
	fact "$1.compared" "$(wc -l <"/tmp/$3.snapshot")"
	fact "$1.accounts" "$(LC_ALL=C comm -3 "/tmp/$2.accounts" "/tmp/$3.accounts" | tr -d '\t')"
}

! grep -q '^seconds[.]purge	' /out/facts.txt || compare purge prepared used
! grep -q '^seconds[.]distribution	' /out/facts.txt || compare upgrade-purge replaceable run
