# Fills a folder with the headers and libraries that are compiled with, and makes a compiler that sees no others.
# in:  as dnf.sh; SYSROOT_PACKAGES; GNU_TRIPLE; the toolchain
# out: /sysroot, /usr/local/bin/sysroot-gcc, /turnbuild/sysroot.txt (name.arch=version a line)
. /turnbuild/sysroot/dnf.sh

read_metadata /sysroot
# Scriptlets are for the target's processor, and nothing here is run.
# The list is split into words on purpose.
# shellcheck disable=SC2086
install_in /sysroot --setopt=tsflags=noscripts,nodocs install $SYSROOT_PACKAGES
rm -rf /dnf /sysroot/dnf
[ -f /sysroot/etc/os-release ] || fail DISTRIBUTION_UNKNOWN "the sysroot has no /etc/os-release: is a package that has it among the target's libraries?"

# A link to a whole path means the sysroot's own file.
find /sysroot/usr/lib64 /sysroot/usr/lib -maxdepth 1 -type l -lname '/*' | while read -r link; do
	ln -sfn "/sysroot$(readlink "$link")" "$link"
done
# coturn's configure looks for this header here, whatever it compiles for.
if [ -f /sysroot/usr/include/netinet/sctp.h ]; then
	mkdir -p /usr/include/netinet
	cp /sysroot/usr/include/netinet/sctp.h /usr/include/netinet/
fi
# -B: the C library's start files lie where a Debian compiler does not look. Folders that coturn's configure names without asking (-I of its
# prefix) mean the sysroot's.
cat >/usr/local/bin/sysroot-gcc <<WRAPPER
#!/bin/sh
for argument; do
	shift
	case \$argument in
	-I/usr/*) argument=-I/sysroot\${argument#-I} ;;
	-L/usr/*) argument=-L/sysroot\${argument#-L} ;;
	esac
	set -- "\$@" "\$argument"
done
exec $GNU_TRIPLE-gcc --sysroot=/sysroot -B/sysroot/usr/lib64/ "\$@"
WRAPPER
chmod 755 /usr/local/bin/sysroot-gcc
rpm --root /sysroot -qa --queryformat '%{NAME}.%{ARCH}=%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n' | LC_ALL=C sort >/turnbuild/sysroot.txt
