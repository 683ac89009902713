# Repackages Debian's own binaries as .rpms, with the provides and requires that rpm derives from the files, and with libraries in
# /usr/lib64. One run of rpmbuild makes all packages, and elfdeps runs twice per package: by default, rpmbuild would classify every file
# and run elfdeps on each.
# in:  DEB_ARCH; PACKAGES, names of packages, which are repackaged with all their dependencies; a Debian root for the build machine, with
#      createrepo-c, dnf, dpkg-dev and rpm
# out: /repository
set -eu
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
umask 022

fail() {
	echo "turnbuild-error: ROOT_FAILED: $1" >&2
	exit 1
}

case $DEB_ARCH in
amd64) arch=x86_64 triple=x86_64-linux-gnu ;;
arm64) arch=aarch64 triple=aarch64-linux-gnu ;;
esac

# Download packages of the target's architecture, as if nothing were installed.
mkdir -p /apt/lists/partial /apt/archives/partial
: >/apt/status
foreign() {
	apt-get -q -o APT::Architecture="$DEB_ARCH" -o APT::Architectures="$DEB_ARCH" -o Dir::State::lists=/apt/lists \
		-o Dir::State::status=/apt/status -o Dir::Cache::archives=/apt/archives -o APT::Sandbox::User=root "$@"
}
foreign update
# The lists are split into words on purpose.
# shellcheck disable=SC2086
foreign install -y --download-only --no-install-recommends $PACKAGES

mkdir -p /repository /specs/trees /etc/rpm
# The same database path as in the root.
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros

# needs DEPENDENCIES: prints the names of those that were downloaded.
needs() {
	echo "$1" | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:.*//; s/ //g; /^dash$/d' | sort -u | while read -r each; do
		for file in /apt/archives/"$each"_*.deb; do [ ! -e "$file" ] || echo "$each"; done
	done
}

# describe DEB: unpacks it without documentation in /specs/trees and prints its sections of the spec file.
describe() {
	# One call, because each call of dpkg-deb unpacks the control files again.
	{
		read -r name
		read -r version
		read -r depends
	} <<CONTROL
$(dpkg-deb -W --showformat '${Package}\n${Version}\n${Depends}, ${Pre-Depends}\n' "$1")
CONTROL
	version=$(echo "${version#*:}" | tr - _)
	tree=/specs/trees/$name
	mkdir -p "$tree"
	dpkg-deb -x "$1" "$tree"
	rm -rf "$tree"/usr/share/doc "$tree"/usr/share/man "$tree"/usr/share/locale "$tree"/usr/share/info "$tree"/usr/share/lintian
	provides=
	requires=
	# Merge /usr: move files outside /usr into it. The root's links keep their old paths working.
	for folder in bin sbin lib lib64; do
		[ -d "$tree/$folder" ] && [ ! -L "$tree/$folder" ] || continue
		mkdir -p "$tree/usr/$folder"
		case $folder in *bin) provides="$provides $(cd "$tree" && find "$folder" -mindepth 1 -printf '/%p ')" ;; esac
		cp -al "$tree/$folder/." "$tree/usr/$folder/"
		rm -rf "${tree:?}/$folder"
	done
	# rpm distributions have libraries in /usr/lib64. The loader's link is there already and points to its old place.
	if [ -d "$tree/usr/lib/$triple" ]; then
		mkdir -p "$tree/usr/lib64"
		cp -al --remove-destination "$tree/usr/lib/$triple/." "$tree/usr/lib64/"
		rm -rf "${tree:?}/usr/lib/$triple"
	fi
	case $name in
	base-files)
		for folder in bin sbin lib lib64; do ln -s usr/$folder "$tree/$folder"; done
		mkdir -p "$tree/usr/lib"
		# Debian's loader and compiler search here.
		ln -s ../lib64 "$tree/usr/lib/$triple"
		provides="$provides system-release"
		# RHEL's `filesystem` requires `setup` in the same way.
		requires=base-passwd
		# Debian's rpm has its database in the user's home by default, because dpkg manages the system.
		mkdir -p "$tree/etc/rpm"
		cp /etc/rpm/macros "$tree/etc/rpm/"
		# Folders of RHEL's package `filesystem`.
		mkdir -p "$tree/usr/lib64" "$tree/etc/sysconfig" "$tree/usr/share/doc" "$tree/usr/share/licenses" "$tree/usr/share/man/man1"
		;;
	base-passwd)
		mkdir -p "$tree/etc"
		cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
		cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
		(umask 077 && : >"$tree/etc/shadow" && : >"$tree/etc/gshadow")
		;;
	bash) [ -e "$tree/usr/bin/sh" ] || { ln -s bash "$tree/usr/bin/sh" && provides="$provides /bin/sh"; } ;;
	dash)
		rm -r "$tree"
		return 0
		;;
	# rpm makes each program with a GNU hash table require this capability, so the glibc of every rpm distribution provides it.
	libc6) provides="$provides rtld(GNU_HASH)" ;;
	gawk) ln -sf gawk "$tree/usr/bin/awk" ;;
	esac
	# rpm derives provides and requires only from executable files.
	find "$tree" -type f -name '*.so*' -exec chmod a+x {} +
	list "$tree" >"/specs/$name.files"
	cat <<SPEC
%package -n $name
Version: $version
Summary: Debian's $name
$(for path in $provides; do echo "Provides: $path"; done)
$({ needs "$depends" && echo "$requires"; } | sed '/./!d; s/^/Requires: /')
$(elf "$tree" provides)
$(elf "$tree" requires)
AutoReqProv: no
%description -n $name
Debian's $name.
%files -n $name -f /specs/$name.files
SPEC
}

# elf TREE WHAT: the capabilities that its executable files provide or require, as rpm writes them. Perl's and Python's are left out: they
# would pull in packages that nothing here needs.
elf() {
	find "$1" -type f -perm /111 | /usr/lib/rpm/elfdeps "--$2" | LC_ALL=C sort -u | case $2 in
	provides) sed 's/^/Provides: /' ;;
	requires) sed 's/^/Requires: /' ;;
	esac
}

# list TREE: its content as a %files section.
list() {
	find "$1" -mindepth 1 \( -type d -printf '%%dir "/%P"\n' -o -printf '"/%P"\n' \)
}

{
	cat <<SPEC
Name: debian
Version: 1
Release: 1
Summary: Debian's binaries
License: various
%description
Debian's binaries.
%install
mkdir -p %{buildroot}
for tree in /specs/trees/*; do cp -al "\$tree/." %{buildroot}/; done
# Remove the other hard links: with them, rpm would record the files as incomplete sets of links.
rm -rf /specs/trees
SPEC
	for deb in /apt/archives/*.deb; do describe "$deb"; done
} >/specs/debian.spec
# Refuse files with one name in several packages: in one folder, the last one would silently win.
twice=$(sed '/^%dir /d' /specs/*.files | LC_ALL=C sort | uniq -d | head -n 1)
[ -z "$twice" ] || fail "several packages contain $twice"
# Check elfdeps by its result: the pipeline hides its exit code.
for word in Provides Requires; do
	grep -qxF "$word: libc.so.6()(64bit)" /specs/debian.spec || fail "elfdeps failed: no package has \"$word: libc.so.6()(64bit)\""
done
# File types are no longer needed for dependencies, so replace libmagic's thousands of patterns by one line.
printf '0 string \\177ELF ELF\n' >/specs/magic
MAGIC=/specs/magic rpmbuild -bb --quiet --target "$arch-linux" --nodeps --define "_topdir /specs/top" --define "_rpmdir /repository" \
	--define "_build_name_fmt %%{NAME}.rpm" --define "_binary_payload w1.gzdio" --define "debug_package %{nil}" \
	--define "__os_install_post %{nil}" --define "_build_id_links none" /specs/debian.spec >/specs/debian.log 2>&1 || {
	cat /specs/debian.log
	fail "rpmbuild cannot repackage Debian's packages as rpms: $(grep -m 1 error: /specs/debian.log)"
}
createrepo_c -q /repository
