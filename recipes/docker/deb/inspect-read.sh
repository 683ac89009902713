# Sourced by inspect.sh.

# read_deb PACKAGE OPTION [FOLDER]: runs dpkg-deb. A failure means that the package is invalid, unless the disk is full or dpkg-deb was killed.
read_deb() {
	package=$1 action=$2
	shift 2
	dpkg-deb "$action" "$package" "$@" 2>dpkg-deb.txt || {
		reason=$(LC_ALL=C sed -e '/: Removing leading /d' -e 's/^dpkg-deb: error: //' -e "s|${package%/*}/||g" dpkg-deb.txt |
			head -n 1 | tr -c '[:print:]\n' '?')
		if [ -n "$reason" ] && ! grep -qi 'no space left on device' dpkg-deb.txt; then
			echo "turnbuild-error: DEB_INVALID: dpkg-deb refuses ${package##*/}: $reason" >&2
		fi
		cat dpkg-deb.txt >&2
		exit 1
	}
}
