# Makes the build platform's own tools usable in a root of a foreign architecture of the same suite, so that QEMU runs only the programs
# under test. A RUN mounts /native and the build platform's library folder into that root.
# in:  DEB_ARCH, the foreign architecture; NATIVE_TRIPLE, the build platform's; the root of the same suite for the build platform
#      TARGET (/target), the foreign root; empty if it will have the same programs as the build platform's root
#      LATER, more programs of the build platform's root, which the foreign root will only have when packages are configured
# out: /native: bin/, the programs that the foreign root has as well; methods/, apt's; apt.conf; lib/, Python's; rpm-platform and
#      rpm-macros, rpm's; ld.so; environment, for the shell
set -eu
export LC_ALL=C.UTF-8
own=$(dpkg --print-architecture)
target=${TARGET-/target}

fail() {
	echo "turnbuild-error: NATIVE_TOOLS_FAILED: $1" >&2
	exit 1
}

# Some programs stay the foreign root's: those that depend on the processor, those that the verification replaces itself, and those that
# may belong to the package.
is_lent() {
	case " ${LATER:-} " in *" $1 "*) return 0 ;; esac
	case $1 in
	uname | arch | setarch | linux32 | linux64 | i386 | x86_64 | aarch64 | ld.so | ld-linux* | ldconfig*) return 1 ;;
	systemctl | sqlite3 | turn*) return 1 ;;
	esac
	# Do not add a program that the foreign root lacks.
	for folder in usr/bin usr/sbin; do
		if [ -e "$target/$folder/$1" ] || [ -L "$target/$folder/$1" ]; then return 0; fi
	done
	return 1
}

# adapt FOLDER FILE...: copies those of the files that are programs. The foreign root has no loader at the usual path, so the copies refer to
# another one. dpkg's programs contain their architecture as a string. One Perl for all files, because there are hundreds.
adapt() {
	# Perl expands the dollar signs.
	# shellcheck disable=SC2016
	own=$own to=$DEB_ARCH perl -e '
		local $/;
		my $folder = shift;
		for my $file (grep { -f } @ARGV) {
			my ($name) = $file =~ m{([^/]*)$};
			open my $in, "<:raw", $file or die "$file: $!\n";
			my $program = <$in>;
			next unless $program =~ /^\x7fELF/;
			$program =~ s{(/lib(?:64)?/ld-linux[-.\w]*)\0}{substr("/native/ld.so" . "\0" x 99, 0, length $1) . "\0"}e;
			$program =~ s{\0$ENV{own}\0}{\0$ENV{to}\0}g if $name =~ /^dpkg/;
			open my $out, ">:raw", "$folder/$name" or die "$folder/$name: $!\n";
			print $out $program and close $out and chmod 0755, "$folder/$name" or die "$folder/$name: $!\n";
		}' "$@"
}

[ "${#own}" = "${#DEB_ARCH}" ] || fail "cannot replace the architecture $own by $DEB_ARCH in dpkg's programs: the names differ in length"
[ -z "$target" ] || [ ! -e "$target/usr/lib/$NATIVE_TRIPLE" ] || fail "the foreign root has a /usr/lib/$NATIVE_TRIPLE of its own"
mkdir -p /native/bin /native/methods
loader=$(perl -0777 -ne 'print $1 if m{(/lib(?:64)?/ld-linux[-.\w]*)\0}' /usr/bin/dpkg)
cp "$(readlink -f "$loader")" /native/ld.so
set --
for file in /usr/bin/* /usr/sbin/*; do
	! is_lent "${file##*/}" || set -- "$@" "$file"
done
adapt /native/bin "$@"
adapt /native/methods /usr/lib/apt/methods/*
if [ ! -e "$target/usr/bin/dnf" ]; then
	interpreters='bash dash perl'
	[ "$(/native/bin/dpkg --print-architecture)" = "$DEB_ARCH" ] || fail "the adapted dpkg does not report the architecture $DEB_ARCH"
else
	# dnf is written in Python.
	interpreters='bash python3'
	mkdir /native/lib
	cp -a /usr/lib/python3* /native/lib/
	# The platform that rpm assumes, see rpmrc(5).
	case $DEB_ARCH in amd64) echo x86_64-pc-linux ;; arm64) echo aarch64-pc-linux ;; esac >/native/rpm-platform
	# Otherwise rpm loads the plugins of the foreign root.
	echo "%__plugindir /usr/lib/$NATIVE_TRIPLE/rpm-plugins" >/native/rpm-macros
fi

# Scripts refer to their interpreter by path, so these are mounted over the foreign root's own.
for name in $interpreters; do
	[ -x "/native/bin/$name" ] || fail "the roots of this suite have no /usr/bin/$name"
done
cat >/native/apt.conf <<CONF
APT::Architecture "$DEB_ARCH";
#clear APT::Architectures;
APT::Architectures { "$DEB_ARCH"; };
Dir::Bin::Methods "/native/methods";
Dir::Bin::dpkg "/native/bin/dpkg";
Dir::Bin::sqv "/native/bin/sqv";
DPkg::Path "/native/bin:/usr/sbin:/usr/bin:/sbin:/bin";
CONF
cat >/native/environment <<ENVIRONMENT
export PATH="/native/bin:\$PATH" APT_CONFIG=/native/apt.conf
[ ! -d /native/lib ] || export PYTHONHOME=/native
native_libraries=/usr/lib/$NATIVE_TRIPLE
ENVIRONMENT
