# What is particular to .deb packages: where their files lie, and whom to ask. Read in by main.sh, and by systemctl.sh, so plain sh.
# shellcheck disable=SC2034
service_user=turnserver
configuration=/etc/turnserver.conf

# Status and version of the package, as dpkg names them.
package_state() {
	dpkg-query -W -f '${db:Status-Status} ${Version}' coturn 2>/dev/null
}

# The maintainer script that runs.
asking_script() {
	echo "${DPKG_MAINTSCRIPT_NAME:-no script}"
}

# Paths of all packages that are installed now, dpkg's notes of them among these. With /usr merged, some packages still name
# their files by the former paths.
owned() {
	sed -E 's,^/(bin|sbin|lib[0-9]*)(/|$),/usr/\1\2,' /var/lib/dpkg/info/*.list
	for list in /var/lib/dpkg/info/*.list; do printf '%s\n' "${list%list}"*; done
}
