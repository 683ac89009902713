#!/native/bin/dash
# dpkg, while mmdebstrap makes a foreign root (see lend.sh). It begins by one `dpkg --install` of all essential packages, which unpacks the
# root's own shells and Perl, and then runs their scripts: so that is done in two steps, with others put in their place in between.

for word; do
	[ "$word" != --install ] || install=yes
done
[ "${install:-}" = yes ] || exec /native/dpkg "$@"
for word; do
	shift
	case $word in
	--install) set -- "$@" --unpack ;;
	*) set -- "$@" "$word" ;;
	esac
done
/native/dpkg "$@" || exit
mkdir /native/own
for name in bash dash perl; do
	# Where /usr has yet to be merged, the shells are still here.
	path=/bin/$name
	[ -f "$path" ] || path=/usr/bin/$name
	mv "$path" "/native/own/$name" && cp "/native/bin/$name" "$path" || exit
done
exec /native/dpkg --force-depends --configure --pending
