# Paths and queries that are specific to .deb packages. Sourced by main.sh and by systemctl.sh, so plain sh.
# shellcheck disable=SC2034
service_user=turnserver
configuration=/etc/turnserver.conf

# Status and version of the package, as dpkg names them.
package_state() {
	dpkg-query -W -f '${db:Status-Status} ${Version}' coturn 2>/dev/null
}

# The maintainer script that is running.
asking_script() {
	echo "${DPKG_MAINTSCRIPT_NAME:-no script}"
}

# Dependencies are installed before the tree is first read, so everything added later belongs to the package.
list_owned() { :; }
