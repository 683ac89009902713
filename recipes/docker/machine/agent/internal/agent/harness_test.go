package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"turn-agent/internal/clouds"
	"turn-agent/internal/image"
	"turn-agent/internal/settings"
)

// machine is a whole machine in a folder: files, fake programs, a metadata server, systemd's socket.
type machine struct {
	t        *testing.T
	cloud    *clouds.Server
	facts    image.Facts
	paths    image.Paths
	programs string
	log      *lockedBuffer
	fetcher  *fakeFetcher
	notices  *lockedBuffer
	// stores is the address of secret stores that replace the fetcher.
	stores string
	poll   time.Duration
	// retry is the longest pause after an error before the machine is ready.
	retry time.Duration
	agent *Agent
	stop  context.CancelFunc
	done  chan error

	mutex     sync.Mutex
	addresses []string
	secrets   []string
}

type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// fakeFetcher has secrets by their name. A missing one is an error.
type fakeFetcher struct {
	mutex   sync.Mutex
	values  map[string]string
	silent  bool
	waiting bool
}

func (f *fakeFetcher) hang(silent bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.silent = silent
}

func (f *fakeFetcher) hanging() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.waiting
}

func (f *fakeFetcher) Fetch(ctx context.Context, r settings.Reference) (string, error) {
	f.mutex.Lock()
	if f.silent {
		f.waiting = true
		f.mutex.Unlock()
		<-ctx.Done()
		return "", ctx.Err()
	}
	f.mutex.Unlock()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if value, ok := f.values[r.Name]; ok {
		return value, nil
	}
	return "", errors.New("access denied: the role needs ssm:GetParameter")
}

func (f *fakeFetcher) set(name, value string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.values[name] = value
}

const baseConf = "fingerprint\nlistening-port=3478\nrealm=turnserver\nprometheus-address=127.0.0.1\n"

const options = "listening-ip relay-ip external-ip realm listening-port tls-listening-port aux-server min-port max-port lt-cred-mech " +
	"use-auth-secret userdb user-quota total-quota max-bps bps-capacity denied-peer-ip allowed-peer-ip cert pkey no-tls no-dtls"

// program records how it was called. systemctl keeps a state of coturn that a restart renews.
const program = `#!/bin/sh
cd DIR || exit 9
name=${0##*/}
[ "$name $1" = "systemctl show" ] || [ $name = journalctl ] || echo "$name $*" >> calls
case $name in
	sqlite3) cat > sql.new; mv sql.new sql ;;
	nft) cp "$2" rules.new; mv rules.new rules ;;
	journalctl) cat journal 2>/dev/null; exit 0 ;;
esac
if [ "$name $1" = "systemctl show" ]; then cat coturn; exit 0; fi
if [ -e "fail-$name" ]; then echo "$name is broken" >&2; exit 1; fi
case "$*" in
	*" restart "*) [ -e hold ] || printf 'ActiveState=active\nSubState=running\nInvocationID=%s\n' "$(wc -l < calls)" > coturn ;;
esac
exit 0
`

// newMachine makes a machine in EC2 or Google's cloud. Call start to boot it.
func newMachine(t *testing.T, google bool) *machine {
	t.Helper()
	m := &machine{t: t, paths: image.Paths{Root: t.TempDir()}, log: &lockedBuffer{}, notices: &lockedBuffer{}, programs: t.TempDir(), poll: 20 * time.Millisecond, retry: 20 * time.Millisecond}
	items := clouds.AmazonItems()
	m.facts = image.Facts{Cloud: settings.AWS, Options: strings.Fields(options), Drain: true, Reload: true, User: "turnserver"}
	m.addresses = []string{"127.0.0.1", "10.0.1.5", "2a05:d014::5", "2a05:d014::6", "2600:1900::5"}
	if google {
		items, m.facts.Cloud = clouds.GoogleItems(), settings.GCE
	}
	m.cloud = clouds.Start(t, google, items)
	m.fetcher = &fakeFetcher{values: map[string]string{}}
	for _, folder := range []string{"etc", "usr/lib/turn-agent", "var/lib/turn", "var/lib/turn-agent", "run/turn-agent", "proc/sys/net/ipv4"} {
		m.must(os.MkdirAll(filepath.Join(m.paths.Root, folder), 0o755))
	}
	m.must(os.WriteFile(m.paths.Base(), []byte(baseConf), 0o644))
	m.must(os.WriteFile(m.paths.Kernel("ip_local_port_range"), []byte("32768\t60999\n"), 0o644))
	m.must(os.WriteFile(m.paths.Kernel("ip_local_reserved_ports"), []byte("\n"), 0o644))
	for _, name := range []string{"systemctl", "sqlite3", "nft", "journalctl"} {
		m.must(os.WriteFile(filepath.Join(m.programs, name), []byte(strings.ReplaceAll(program, "DIR", m.programs)), 0o755))
	}
	m.coturn("active", "running", "first")
	t.Setenv("PATH", m.programs+":"+os.Getenv("PATH"))
	t.Cleanup(m.checkSecrets)
	return m
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// boot starts the agent as after a boot: /run is empty.
func (m *machine) boot() {
	m.t.Helper()
	m.must(os.RemoveAll(m.paths.Run("")))
	m.must(os.MkdirAll(m.paths.Run(""), 0o755))
	m.start()
}

// start starts the agent.
func (m *machine) start() {
	m.t.Helper()
	socket := filepath.Join(m.t.TempDir(), "notify")
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	m.must(err)
	m.t.Cleanup(func() { listener.Close() })
	notices := &lockedBuffer{}
	m.notices = notices
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := listener.Read(buffer)
			if err != nil {
				return
			}
			fmt.Fprintf(notices, "%s\n", buffer[:n])
		}
	}()
	m.facts.Endpoints = map[string]string{"metadata": m.cloud.URL, "ssm": m.stores, "secretmanager": m.stores}
	m.agent = New("1.0", m.facts, m.paths, Owner{os.Getuid(), os.Getgid()}, m.log)
	m.agent.Socket, m.agent.MetricsAddress = socket, "127.0.0.1:0"
	if m.stores == "" {
		m.agent.Fetcher = m.fetcher
	}
	m.agent.Addresses = m.interfaces
	m.agent.Intervals = Intervals{
		Poll: m.poll, Secrets: 60 * time.Millisecond, FirstRetry: 5 * time.Millisecond, MaxRetry: m.retry, Metadata: 10 * time.Millisecond,
		IPv6: 200 * time.Millisecond, Patience: 200 * time.Millisecond,
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	m.stop, m.done = stop, done
	agent := m.agent
	go func() { done <- agent.Run(ctx) }()
	m.t.Cleanup(stop)
}

// halt stops the agent.
func (m *machine) halt() {
	m.t.Helper()
	m.stop()
	m.must(<-m.done)
}

func (m *machine) interfaces() ([]netip.Addr, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var list []netip.Addr
	for _, text := range m.addresses {
		list = append(list, netip.MustParseAddr(text))
	}
	return list, nil
}

func (m *machine) setAddresses(addresses ...string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.addresses = addresses
}

func (m *machine) read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	return string(text)
}

func (m *machine) file(name string) string { return filepath.Join(m.programs, name) }
func (m *machine) calls() string           { return m.read(m.file("calls")) }
func (m *machine) conf() string            { return m.read(m.paths.Configuration()) }
func (m *machine) touch(name string)       { m.must(os.WriteFile(m.file(name), nil, 0o644)) }

func (m *machine) coturn(active, sub, invocation string) {
	m.must(replace(m.file("coturn"), fmt.Appendf(nil, "ActiveState=%s\nSubState=%s\nInvocationID=%s\n", active, sub, invocation), 0o644, -1))
}

// database are the rows of the last transaction.
func (m *machine) database() string { return m.read(m.file("sql")) }

// has tells whether the last transaction gives a realm a secret.
func (m *machine) has(realm, secret string) bool {
	return strings.Contains(m.database(), "VALUES ("+quoteSQL(realm)+", "+quoteSQL(secret)+");")
}

// eventually waits for a condition.
func (m *machine) eventually(what string, condition func() bool) {
	m.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if condition() {
			return
		}
	}
	m.t.Fatalf("not seen: %s\nlog:\n%s\ncalls:\n%s", what, m.log, m.calls())
}

func (m *machine) ready() bool { return strings.Contains(m.notices.String(), "READY=1\n") }

func (m *machine) waitReady() {
	m.t.Helper()
	m.eventually("READY=1", m.ready)
}

// polls waits until the agent has read the metadata several times more.
func (m *machine) polls(n int) {
	m.t.Helper()
	want := m.pollCount() + n
	m.eventually("polls", func() bool { return m.pollCount() >= want })
}

func (m *machine) pollCount() int {
	return m.cloud.Requests("meta-data/local-ipv4") + m.cloud.Requests("instance/network-interfaces/0/ip")
}

func (m *machine) settings(document string) {
	if m.facts.Cloud == settings.GCE {
		m.cloud.Set("instance/attributes/turn-settings", document)
	} else {
		m.cloud.Set("user-data", document)
	}
}

// hide names a secret that must not be seen anywhere but in the database and its own file.
func (m *machine) hide(secret string) string {
	m.secrets = append(m.secrets, secret)
	return secret
}

func (m *machine) checkSecrets() {
	places := map[string]string{
		"log": m.log.String(), "notices": m.notices.String(), "calls": m.calls(), "configuration": m.conf(),
		"status": m.read(m.paths.Run("status.json")), "firewall": m.read(m.paths.Run("nftables.conf")),
	}
	if generated := m.read(m.paths.State("secret")); generated != "" {
		m.hide(strings.TrimSpace(generated))
	}
	for _, secret := range m.secrets {
		for place, text := range places {
			if strings.Contains(text, secret) {
				m.t.Errorf("the %s shows the secret %s:\n%s", place, secret, text)
			}
		}
	}
}
