# Upgrades a package while its server runs: an upgrade that fails, and one that succeeds.

upgrade_while_running() {
	systemd_on
	systemctl start coturn.service
	observe running

	head -c $(($(stat -c %s /variants/next.rpm) * 2 / 3)) /variants/next.rpm >/tmp/truncated.rpm
	run truncated rpm --upgrade /tmp/truncated.rpm
	observe truncated
	rm /tmp/truncated.rpm

	run_dnf pre-fails upgrade /variants/pre-fails.rpm
	observe pre-fails

	run_dnf upgraded-running upgrade /variants/next.rpm
	observe upgraded-running
}
