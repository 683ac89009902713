# Warns about each line of a turnserver.conf that this turnserver ignores because it has no such option.
#
#   LC_ALL=C awk -f unknown-options.awk options /etc/turnserver.conf
#
# The grammar is coturn's own, read_config_file() and parse_arg_string() in src/apps/relay/mainrelay.c: leading blanks and
# trailing white space are ignored, a comment starts at the beginning of a line, a (long) name ends at a blank, a tab or
# "=", and the rest of a line beyond 1,023 bytes counts as a line of its own, even after a comment.

FILENAME == ARGV[1] {
	known[$1] = 1
	next
}

{
	rest = $0
	part = 0
	do {
		check(substr(rest, 1, 1023), part)
		rest = substr(rest, 1024)
		part++
	} while (rest != "")
}

END {
	if (ignored > 0)
		print "coturn: warning: turnserver ignores these lines (" ignored ") and only logs that. Whatever they should deny or disable stays enabled. See turnserver(1)."
}

function check(text, part, name) {
	sub(/^[ \t]+/, "", text)
	if (substr(text, 1, 1) == "#") return
	sub(/[ \t\r\v\f]+$/, "", text)
	if (text == "") return
	name = text
	sub(/[ \t=].*$/, "", name)
	if (name in known) return
	ignored++
	print "coturn: warning: " FILENAME " line " FNR ": " reason(name, part)
}

# Prints only valid names: anything else may be a secret without its option, and the output goes into logs.
function reason(name, part, shown) {
	if (part > 0) return "it is longer than 1023 bytes; turnserver reads the rest as a separate line and ignores it"
	shown = match(name, /^[A-Za-z0-9_-]+/) && RLENGTH <= 40 ? substr(name, 1, RLENGTH) : ""
	if (shown != name) shown = shown "..."
	return "this turnserver has no option \"" shown "\" and ignores the line"
}
