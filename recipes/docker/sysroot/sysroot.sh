# Fills a sysroot with the distribution's headers and libraries, and makes a compiler wrapper that uses no others.
# in:  as for dnf.sh; SYSROOT_PACKAGES; GNU_TRIPLE; the toolchain
# out: /sysroot, /usr/local/bin/sysroot-gcc, /turnbuild/sysroot.txt (one name.arch=version per line)
. /turnbuild/sysroot/dnf.sh

read_metadata /sysroot
# noscripts: scriptlets need the target's processor, and nothing in the sysroot runs.
# The list is split into words on purpose.
# shellcheck disable=SC2086
install_in /sysroot --setopt=tsflags=noscripts,nodocs install $SYSROOT_PACKAGES
rm -rf /dnf /sysroot/dnf
[ -f /sysroot/etc/os-release ] || fail DISTRIBUTION_UNKNOWN "the sysroot has no /etc/os-release: add the package that contains it to the target's libraries"

# Absolute links refer to files of the sysroot.
find /sysroot/usr/lib64 /sysroot/usr/lib -maxdepth 1 -type l -lname '/*' | while read -r link; do
	ln -sfn "/sysroot$(readlink "$link")" "$link"
done
# coturn's configure looks for this header on the build machine, even when cross-compiling.
if [ -f /sysroot/usr/include/netinet/sctp.h ]; then
	mkdir -p /usr/include/netinet
	cp /sysroot/usr/include/netinet/sctp.h /usr/include/netinet/
fi
# -B: a Debian compiler does not look for the C library's start files in lib64. coturn's configure always adds -I and -L of its prefix, which
# must refer to the sysroot.
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
