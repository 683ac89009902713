# Tests the tarball for machines without a package manager: unpacked in a user's folder, in a root with only the C library.

bare=/tmp/bare
unpacked="/srv/some folder"

# Copy only the libraries that `ldd` lists.
make_bare_root() {
	mkdir -p "$bare$unpacked"
	tar -xzf /inputs/coturn.tar.gz -C "$bare$unpacked" --strip-components=1
	chown -R 65534:65534 "$bare$unpacked"
	ldd "$bare$unpacked/bin/turnserver" | grep -o '/[^ ]*' | sort -u >/out/tarball.libraries
	while read -r file; do
		mkdir -p "$bare$(dirname "$file")"
		cp -L "$file" "$bare$file"
	done </out/tarball.libraries
}

# nobody COMMAND...: runs it in the unpacked folder within the bare root, as an unprivileged user. It uses Python, which dnf depends on:
# chroot(1) changes to the folder /, and unshare(1) needs more privileges than a container has.
nobody() {
	exec python3 -c '
import os, sys
os.chroot(sys.argv[1])
os.chdir(sys.argv[2])
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.execv(sys.argv[3], sys.argv[3:])
' "$bare" "$unpacked" "$@"
}

use_tarball() {
	[ -f /inputs/coturn.tar.gz ] || return 0
	make_bare_root
	(cd "$bare$unpacked" && find . -type f ! -path './var/*' -exec sha256sum {} + | LC_ALL=C sort -k 2) >/tmp/tarball.before
	if launch tarball 3478 9641 nobody bin/turnserver -c etc/turnserver.conf; then
		run tarball.stun timeout 60 "$bare$unpacked/bin/turnutils_stunclient" "$address"
		http_get 127.0.0.1 9641 /metrics >/out/tarball.metrics
		fact tarball.metrics.exit $?
		run tarball.stranger timeout 60 "$bare$unpacked/bin/turnutils_uclient" -c -n 1 -m 1 -u user -w password -e "$address" -r 3480 "$address"
	fi
	stop tarball
	(cd "$bare$unpacked" && find . -type f ! -path './var/*' -exec sha256sum {} + | LC_ALL=C sort -k 2) >/tmp/tarball.after
	# Each path once.
	fact tarball.changed "$(diff /tmp/tarball.before /tmp/tarball.after | sed -n 's/^[<>] [0-9a-f]*  //p' | LC_ALL=C sort -u)"
	fact tarball.files "$(wc -l </tmp/tarball.before)"
	rm -rf "$bare"
}
