# Repackages Debian's own binaries: each package becomes an .rpm, with what rpm itself reads off the files as provides and requires, and
# with its libraries in /usr/lib64. A single run of rpmbuild makes all of them, and elfdeps runs twice a package: left to itself, rpmbuild
# classifies every file and runs elfdeps on each.
# in:  DEB_ARCH; PACKAGES, names of packages, which are taken with all that they depend on; a Debian root for the machine that builds, with
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

# Of the target's architecture, as if nothing were installed.
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
# As in the root that is made.
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros

# needs DEPENDENCIES: those of them that are here, by their names.
needs() {
	echo "$1" | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:.*//; s/ //g; /^dash$/d' | sort -u | while read -r each; do
		for file in /apt/archives/"$each"_*.deb; do [ ! -e "$file" ] || echo "$each"; done
	done
}

# describe DEB: unpacks it below /specs/trees without its documentation, and prints its sections of the spec file.
describe() {
	# Each of dpkg-deb's calls unpacks the package's records.
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
	# One tree: what a package still has outside of /usr is there as well, by its former path.
	for folder in bin sbin lib lib64; do
		[ -d "$tree/$folder" ] && [ ! -L "$tree/$folder" ] || continue
		mkdir -p "$tree/usr/$folder"
		case $folder in *bin) provides="$provides $(cd "$tree" && find "$folder" -mindepth 1 -printf '/%p ')" ;; esac
		cp -al "$tree/$folder/." "$tree/usr/$folder/"
		rm -rf "${tree:?}/$folder"
	done
	# As distributions of rpms have it. The loader's own name is there already, as a link to where it was.
	if [ -d "$tree/usr/lib/$triple" ]; then
		mkdir -p "$tree/usr/lib64"
		cp -al --remove-destination "$tree/usr/lib/$triple/." "$tree/usr/lib64/"
		rm -rf "${tree:?}/usr/lib/$triple"
	fi
	case $name in
	base-files)
		for folder in bin sbin lib lib64; do ln -s usr/$folder "$tree/$folder"; done
		mkdir -p "$tree/usr/lib"
		# Where Debian's loader and compiler look.
		ln -s ../lib64 "$tree/usr/lib/$triple"
		provides="$provides system-release"
		# As RHEL's `filesystem` asks for `setup`.
		requires=base-passwd
		# Debian's rpm keeps its database in the user's home, because the system's is dpkg's.
		mkdir -p "$tree/etc/rpm"
		cp /etc/rpm/macros "$tree/etc/rpm/"
		# Folders that RHEL's package `filesystem` has.
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
	# The loader reads such hash tables: every distribution's glibc says so, because rpm requires it of each program that has one.
	libc6) provides="$provides rtld(GNU_HASH)" ;;
	gawk) ln -sf gawk "$tree/usr/bin/awk" ;;
	esac
	# rpm reads off executable files only what they provide and require.
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

# elf TREE WHAT: what its executable files provide or require, in rpm's words. Perl's and Python's own capabilities would tie packages
# together that nothing here needs.
elf() {
	find "$1" -type f -perm /111 | /usr/lib/rpm/elfdeps "--$2" | LC_ALL=C sort -u | case $2 in
	provides) sed 's/^/Provides: /' ;;
	requires) sed 's/^/Requires: /' ;;
	esac
}

# list TREE: all that is in it, as a %files section names it.
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
# With the other hard links there, rpm would record files as partial sets of links.
rm -rf /specs/trees
SPEC
	for deb in /apt/archives/*.deb; do describe "$deb"; done
} >/specs/debian.spec
# In one folder, the last of several files with one name would win, unseen.
twice=$(sed '/^%dir /d' /specs/*.files | LC_ALL=C sort | uniq -d | head -n 1)
[ -z "$twice" ] || fail "several packages have $twice"
# Whether elfdeps worked: its exit code is lost in a pipeline, and says little.
for word in Provides Requires; do
	grep -qxF "$word: libc.so.6()(64bit)" /specs/debian.spec || fail "no package has \"$word: libc.so.6()(64bit)\""
done
# No dependency is derived from the types of files any more: one line replaces libmagic's thousands of patterns.
printf '0 string \\177ELF ELF\n' >/specs/magic
MAGIC=/specs/magic rpmbuild -bb --quiet --target "$arch-linux" --nodeps --define "_topdir /specs/top" --define "_rpmdir /repository" \
	--define "_build_name_fmt %%{NAME}.rpm" --define "_binary_payload w1.gzdio" --define "debug_package %{nil}" \
	--define "__os_install_post %{nil}" --define "_build_id_links none" /specs/debian.spec >/specs/debian.log 2>&1 || {
	cat /specs/debian.log
	fail "Debian's packages could not be repackaged as rpms: $(grep -m 1 error: /specs/debian.log)"
}
createrepo_c -q /repository
