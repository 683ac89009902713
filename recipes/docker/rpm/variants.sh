# Repacks a package as other versions, to test upgrades from and to.
# in:  /inputs/coturn.rpm; DEB_ARCH
# out: /variants/epel.rpm, /variants/epel-utils.rpm (older, with EPEL's layout), /variants/next.rpm, /variants/pre-fails.rpm (newer)
set -eu
export LC_ALL=C.UTF-8
case $DEB_ARCH in
amd64) arch=x86_64 ;;
arm64) arch=aarch64 ;;
esac
mkdir -p /variants /work /payload /empty
rpm2archive - </inputs/coturn.rpm | tar -xz -C /payload
ask() { rpm -qp --nosignature --queryformat "$1" /inputs/coturn.rpm; }
version=$(ask '%{VERSION}')
release=$(ask '%{RELEASE}')

# header VERSION RELEASE: the beginning of a spec file.
header() {
	cat <<SPEC
%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
Name: coturn
Version: $1
Release: $2
Summary: TURN and STUN server
License: BSD-3-Clause
Requires(pre): /usr/bin/getent, /usr/sbin/groupadd, /usr/sbin/useradd
# rpm 4.19 and later generates requirements for file owners, but provides them only for sysusers.d.
Provides: user(coturn), group(coturn)
%description
Another version of the package under test.
SPEC
}

pack() {
	HOME=/empty rpmbuild -bb --quiet --target "$arch-linux" --nodeps --define "_topdir /work" --define "_rpmdir /variants" \
		--define "_build_name_fmt $2.rpm" --define "_binary_payload w1.gzdio" "$1" >/tmp/rpmbuild.log 2>&1 || {
		cat /tmp/rpmbuild.log
		echo "turnbuild-error: VARIANT_FAILED: rpmbuild cannot repack the package as $2" >&2
		exit 1
	}
}

# scriptlet NAME TAG: prints the scriptlet of the package under test.
scriptlet() {
	printf '%%%s\n%s\n' "$1" "$(ask "%{$2}" | sed 's/^(none)$//; s/%/%%/g')"
}

# newer RELEASE NAME LINE: repacks the package with a higher release and an additional first line in %pre.
newer() {
	{
		header "$version" "$1"
		printf '%%install\nmkdir -p %%{buildroot}\ncp -a /payload/. %%{buildroot}/\n'
		scriptlet pre PREIN | sed "1a $3"
		scriptlet post POSTIN
		scriptlet preun PREUN
		scriptlet postun POSTUN
		printf '%%files\n/usr\n%%dir /etc/coturn\n%%config(noreplace) %%attr(0640,root,coturn) /etc/coturn/turnserver.conf\n'
		printf '%%config(noreplace) /etc/sysconfig/coturn\n%%dir %%attr(0770,coturn,coturn) /var/lib/coturn\n'
		printf '%%ghost %%config(noreplace) %%attr(0660,coturn,coturn) /var/lib/coturn/turndb\n'
	} >/work/$2.spec
	pack /work/$2.spec "$2"
}

# EPEL's layout: the upstream version, which sorts below ours in spite of its high release, with the tools in a separate package.
older() {
	{
		header "${version%%+*}" 99.el9
		cat <<'SPEC'
%package utils
Summary: Tools of the TURN and STUN server
Requires: coturn = %{version}-%{release}
%description utils
Tools.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc/coturn %{buildroot}/usr/lib/systemd/system %{buildroot}/var/lib/coturn
cp -a /payload/usr/bin/turn* %{buildroot}/usr/bin/
printf '%s\n' 'lt-cred-mech' 'realm=example.org' '# as somebody else ships it' >%{buildroot}/etc/coturn/turnserver.conf
: >%{buildroot}/var/lib/coturn/turndb
cat >%{buildroot}/usr/lib/systemd/system/coturn.service <<'UNIT'
[Unit]
Description=coturn
[Service]
User=coturn
LogsDirectory=coturn
ExecStart=/usr/bin/turnserver -c /etc/coturn/turnserver.conf --pidfile=
[Install]
WantedBy=multi-user.target
UNIT
%pre
getent group coturn >/dev/null || groupadd -r coturn
getent passwd coturn >/dev/null || useradd -r -g coturn -d /var/lib/coturn -s /sbin/nologin coturn
%preun
[ $1 -ne 0 ] || systemctl stop coturn.service || :
%postun
[ $1 -lt 1 ] || systemctl try-restart coturn.service || :
%files
/usr/bin/turnserver
/usr/bin/turnadmin
/usr/lib/systemd/system/coturn.service
%config(noreplace) %attr(0640,root,coturn) /etc/coturn/turnserver.conf
%dir %attr(0750,coturn,coturn) /var/lib/coturn
%config(noreplace) %attr(0640,coturn,coturn) /var/lib/coturn/turndb
%files utils
/usr/bin/turnutils_*
SPEC
	} >/work/epel.spec
	pack /work/epel.spec '%%{NAME}'
	mv /variants/coturn.rpm /variants/epel.rpm
	mv /variants/coturn-utils.rpm /variants/epel-utils.rpm
}

newer "$((${release%%.*} + 1))" next ':'
newer "$((${release%%.*} + 2))" pre-fails 'exit 1'
older
