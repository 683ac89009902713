# Paths and queries that are specific to .rpm packages. Sourced by main.sh and by systemctl.sh, so plain sh.
# shellcheck disable=SC2034
service_user=coturn
configuration=/etc/coturn/turnserver.conf
# Files that dnf itself leaves.
export PYTHONDONTWRITEBYTECODE=1

# Installed versions of the package: two during an upgrade.
package_state() {
	rpm -q --queryformat '%{VERSION}-%{RELEASE} ' coturn 2>/dev/null | grep -v 'not installed' | sed 's/ $//'
}

# rpm does not tell a scriptlet its name.
asking_script() {
	echo scriptlet
}

# Lists the files of all installed packages, for trees.sh.
list_owned() {
	rpm -qal >/tmp/owned
}
