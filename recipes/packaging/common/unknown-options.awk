# Warns of each line of a turnserver.conf that this turnserver runs without, because it has no such option.
#
#   LC_ALL=C awk -f unknown-options.awk options /etc/turnserver.conf
#
# The grammar is coturn's own, read_config_file() and parse_arg_string() in src/apps/relay/mainrelay.c: blanks in front and
# white space behind don't count, a comment begins a line, a name ends at a blank, a tab or "=" and is a long one, and what
# is longer than 1,023 bytes is read as a line of its own, behind a comment, too.

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
		print "coturn: warning: what these lines (" ignored ") were to deny or to switch off is not, and turnserver says so in its log only. See turnserver(1)."
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

# What is no name isn't shown: it may be a secret that has lost its option, and this goes into logs.
function reason(name, part, shown) {
	if (part > 0) return "it is longer than 1023 bytes; what follows is read as a line of its own, and ignored"
	shown = match(name, /^[A-Za-z0-9_-]+/) && RLENGTH <= 40 ? substr(name, 1, RLENGTH) : ""
	if (shown != name) shown = shown "..."
	return "this turnserver has no option \"" shown "\" and ignores the line"
}
