# The whole tree, before a package and after it, as piuparts compares it.

# Left out: what belongs to the verification itself, file systems that are not on a disk, and the records of apt, dnf and rpm. The build
# platform's tools are mounted read-only: a package can leave nothing there.
everything() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /out -o -path /inputs \
		-o -path /turnbuild -o -path /certificate -o -path /var/lib/apt -o -path /var/cache/apt -o -path /var/log/apt \
		-o -path /native -o -path "${native_libraries:-/native}" -o -path /etc/rpm/platform -o -path /etc/rpm/macros.native -o -path /repository -o -path /variants -o -path /var/cache/dnf -o -path /var/lib/dnf -o -path /var/lib/rpm \) \
		-prune -o "$@"
}

# snapshot NAME: each path with its kind, mode, owner, and digest or target, in /tmp/NAME.snapshot.
snapshot() {
	{
		everything -type f -print0 | xargs -0 sha256sum | sed 's/^\([0-9a-f]*\)  /digest\t\1\t/'
		everything -printf 'path\t%y %m %U:%G\t%p\t%l\n'
	} 2>/dev/null | awk -F '\t' '
		$1 == "digest" { digest[$3] = $2 }
		$1 == "path" { print $3 "\t" $2 " " ($3 in digest ? digest[$3] : $4) }' | LC_ALL=C sort >"/tmp/$1.snapshot"
	cut -d: -f1 /etc/passwd | LC_ALL=C sort >"/tmp/$1.accounts"
}

# compare BEFORE AFTER: lines "added|removed|changed TAB path TAB before TAB after" in /out/AFTER.changes.txt. What came with
# other packages, which stay, is theirs.
compare() {
	owned >/tmp/owned
	awk -F '\t' -v OFS='\t' '
		FILENAME == ARGV[1] { owned[$1]; next }
		FILENAME == ARGV[2] { before[$1] = $2; next }
		{
			after[$1]
			if (!($1 in before)) { if (!($1 in owned)) print "added", $1, "", $2 }
			else if (before[$1] != $2) print "changed", $1, before[$1], $2
		}
		END { for (path in before) if (!(path in after)) print "removed", path, before[path], "" }' \
		/tmp/owned "/tmp/$1.snapshot" "/tmp/$2.snapshot" | LC_ALL=C sort >"/out/$2.changes.txt"
	fact "$2.compared" "$(wc -l <"/tmp/$2.snapshot")"
	fact "$2.accounts" "$(LC_ALL=C comm -3 "/tmp/$1.accounts" "/tmp/$2.accounts" | tr -d '\t')"
}
