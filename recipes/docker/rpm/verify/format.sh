# What is particular to .rpm packages: where their files lie, and whom to ask. Read in by main.sh, and by systemctl.sh, so plain sh.
# shellcheck disable=SC2034
service_user=coturn
configuration=/etc/coturn/turnserver.conf
# What dnf would leave of itself.
export PYTHONDONTWRITEBYTECODE=1

# Versions of the package that are installed; two of them in the middle of an upgrade.
package_state() {
	rpm -q --queryformat '%{VERSION}-%{RELEASE} ' coturn 2>/dev/null | grep -v 'not installed' | sed 's/ $//'
}

# rpm doesn't say which of its scripts runs.
asking_script() {
	echo scriptlet
}

# The files of all installed packages, for trees.sh.
list_owned() {
	rpm -qal >/tmp/owned
}
