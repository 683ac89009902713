#!/native/bin/dash
# Wrapper of dpkg while mmdebstrap makes a foreign root (see lend.sh). mmdebstrap first runs one `dpkg --install` of all essential packages,
# which unpacks the root's own shells and Perl and then runs maintainer scripts. The wrapper splits this into unpack and configure, and
# replaces the shells and Perl by the build platform's in between.

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
	# If /usr is not merged yet, the shells are still in /bin.
	path=/bin/$name
	[ -f "$path" ] || path=/usr/bin/$name
	mv "$path" "/native/own/$name" && cp "/native/bin/$name" "$path" || exit
done
exec /native/dpkg --force-depends --configure --pending
