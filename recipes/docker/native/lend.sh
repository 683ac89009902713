# mmdebstrap hooks for a root of a foreign architecture. While mmdebstrap makes it, dpkg, tar, Perl, shells and similar tools are the build
# platform's, from the finished root of the same suite. Emulated, they would take most of the time: each start of Perl takes seconds.
#   lend.sh lend ROOT     as --extract-hook, before anything is configured
#   lend.sh return ROOT   as --customize-hook: removes the tools again
# in: NATIVE_ROOT, a tar of the build platform's root; NATIVE_TRIPLE, its GNU triple; DEB_ARCH, the foreign architecture;
#     NATIVE_TOOLS, this folder; a PATH that starts with /native/bin, which exists only in the new root
set -eu
root=$2
libraries=$root/usr/lib/$NATIVE_TRIPLE

lend() {
	mkdir "$root/lent"
	# Not every environment can create devices. A regular file is enough here.
	tar -xf "$NATIVE_ROOT" -C "$root/lent" --exclude='./dev/*'
	: >"$root/lent/dev/null"
	mkdir "$root/lent/turnbuild"
	cp "$NATIVE_TOOLS/tools.sh" "$root/lent/turnbuild/"
	# TARGET is empty, because the new root will have the same programs.
	DEB_ARCH=$DEB_ARCH NATIVE_TRIPLE=$NATIVE_TRIPLE TARGET='' PATH=/usr/sbin:/usr/bin chroot "$root/lent" /bin/sh /turnbuild/tools.sh
	mv "$root/lent/native" "$root/native"
	mv "$root/native/bin/dpkg" "$root/native/dpkg"
	cp "$NATIVE_TOOLS/dpkg.sh" "$root/native/bin/dpkg"
	chmod 755 "$root/native/bin/dpkg"
	mv "$root/lent/usr/lib/$NATIVE_TRIPLE" "$libraries"
	rm -rf "$root/lent"
}

# Without the native tools, bootstrapping takes longer, with the same result.
try_to_lend() {
	sh "$0" lend-now "$root" && return
	echo "turnbuild: native tools are not usable; bootstrapping $DEB_ARCH under QEMU"
	rm -rf "$root/lent" "$root/native" "$libraries"
}

give_back() {
	for file in "$root"/native/own/*; do
		[ ! -e "$file" ] || mv "$file" "$root/usr/bin/"
	done
	rm -rf "$root/native" "$libraries"
}

case $1 in
lend) try_to_lend ;;
lend-now) lend ;;
return) give_back ;;
esac
