package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"turn-agent/internal/clouds"
)

func TestBoot(t *testing.T) {
	for _, google := range []bool{false, true} {
		m := newMachine(t, google)
		m.cloud.Fail(clouds.Forbidden)
		m.boot()
		m.eventually("the cause", func() bool { return strings.Contains(m.log.String(), "answered with status 403") })
		time.Sleep(100 * time.Millisecond)
		if m.ready() || m.conf() != "" || m.calls() != "" {
			t.Fatal("started without metadata")
		}
		if n := strings.Count(m.log.String(), "403"); n != 1 {
			t.Errorf("the cause was logged %d times", n)
		}
		m.cloud.Fail(clouds.None)
		m.waitReady()
		public, realm := "18.184.1.2", "ec2-18-184-1-2.eu-central-1.compute.amazonaws.com"
		if google {
			public, realm = "34.90.1.2", "turn-1.europe-west4-a.c.my-project.internal"
		}
		for _, line := range []string{
			"fingerprint", "listening-ip=10.0.1.5", "relay-ip=10.0.1.5", "external-ip=" + public + "/10.0.1.5", "realm=" + realm,
			"min-port=10000", "max-port=65534", "use-auth-secret", "no-tls", "no-dtls", "prometheus-address=127.0.0.1",
		} {
			if !strings.Contains("\n"+m.conf(), "\n"+line+"\n") {
				t.Errorf("no line %s in\n%s", line, m.conf())
			}
		}
		if strings.Contains(m.conf(), "turnserver\n") {
			t.Error("keeps the package's realm")
		}
		secret := strings.TrimSpace(m.read(m.paths.State("secret")))
		if len(secret) != 64 || !m.has(realm, secret) {
			t.Errorf("secret of %d characters, database:\n%s", len(secret), m.database())
		}
		if !strings.Contains(m.read(m.file("rules")), "udp dport { 3478, 10000-65534 } accept") {
			t.Error("firewall:", m.read(m.file("rules")))
		}
		if got := m.read(m.paths.Kernel("ip_local_reserved_ports")); got != "3478,9641-9642,10000-65534\n" {
			t.Error(got)
		}
		if got := m.read(m.paths.Kernel("ip_local_port_range")); got != "1024 9999\n" {
			t.Error(got)
		}
		for file, mode := range map[string]os.FileMode{
			m.paths.Configuration(): 0o640, m.paths.State("secret"): 0o600, m.paths.State("settings.json"): 0o600,
		} {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != mode {
				t.Error(file, info, err)
			}
		}
		if strings.Contains(m.calls(), "systemctl") {
			t.Error("touches coturn, which starts by itself:", m.calls())
		}
		if left, _ := filepath.Glob(filepath.Join(m.paths.Root, "etc/.*")); len(left) > 0 {
			t.Error("leaves", left)
		}
		if !strings.Contains(m.notices.String(), "WATCHDOG=1") || !strings.Contains(m.notices.String(), "STATUS=serving "+public) {
			t.Error(m.notices)
		}
		if len(m.cloud.Refusals()) > 0 {
			t.Error(m.cloud.Refusals())
		}
		m.halt()
	}
}

// coturn never starts with an answer that can't be right.
func TestNeverReadyWithWrongMetadata(t *testing.T) {
	for name, spoil := range map[string]func(*machine){
		"missing":         func(m *machine) { m.cloud.Fail(clouds.Missing) },
		"html":            func(m *machine) { m.cloud.Fail(clouds.HTML) },
		"redirect":        func(m *machine) { m.cloud.Fail(clouds.Redirect) },
		"broken off":      func(m *machine) { m.cloud.Fail(clouds.BreakOff) },
		"private public":  func(m *machine) { m.cloud.Set("meta-data/public-ipv4", "10.9.9.9") },
		"multicast":       func(m *machine) { m.cloud.Set("meta-data/local-ipv4", "224.0.0.1") },
		"no address":      func(m *machine) { m.cloud.Set("meta-data/local-ipv4", "") },
		"other interface": func(m *machine) { m.setAddresses("10.0.1.6", "2a05:d014::5", "2a05:d014::6") },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, false)
			spoil(m)
			m.boot()
			m.eventually("an error", func() bool { return strings.Contains(m.log.String(), "<3>turn-agent: metadata: ") })
			time.Sleep(150 * time.Millisecond)
			if m.ready() || m.conf() != "" {
				t.Error("ready:", m.conf())
			}
			m.halt()
		})
	}
}

// Clients wait for a machine that boots before its network is ready. A store has all machines of a fleet to answer.
func TestMetadataIsReadOftenAndStoresAreNot(t *testing.T) {
	m := newMachine(t, false)
	m.retry = time.Hour
	m.setAddresses("10.0.1.6")
	m.boot()
	m.polls(30)
	m.halt()

	m = newMachine(t, false)
	m.retry = time.Hour
	m.settings(`{"authSecret":{"valueFrom":"/missing"}}`)
	m.boot()
	m.eventually("an error", func() bool { return strings.Contains(m.log.String(), "access denied") })
	time.Sleep(300 * time.Millisecond)
	if polls := m.pollCount(); polls > 12 {
		t.Error("polls while a store fails:", polls)
	}
	m.halt()
}

func TestEachMachineHasItsOwnSecret(t *testing.T) {
	secrets := map[string]bool{}
	for range 2 {
		m := newMachine(t, false)
		m.boot()
		m.waitReady()
		first := m.read(m.paths.State("secret"))
		m.halt()
		m.boot()
		m.waitReady()
		if m.read(m.paths.State("secret")) != first {
			t.Error("the secret changes with a boot")
		}
		secrets[first] = true
		m.halt()
	}
	if len(secrets) != 2 {
		t.Error("two machines have the same secret")
	}
}

// The firewall and the database come before coturn.
func TestNotReadyWhenApplyingFails(t *testing.T) {
	for _, name := range []string{"nft", "sqlite3"} {
		m := newMachine(t, false)
		m.touch("fail-" + name)
		m.boot()
		m.eventually("the error", func() bool { return strings.Contains(m.log.String(), "cannot apply the configuration: ") })
		m.polls(3)
		if m.ready() {
			t.Error("ready without", name)
		}
		m.must(os.Remove(m.file("fail-" + name)))
		m.waitReady()
		m.halt()
	}
}

func TestIPv6(t *testing.T) {
	m := newMachine(t, false)
	m.setAddresses("10.0.1.5")
	m.boot()
	time.Sleep(100 * time.Millisecond)
	if m.ready() {
		t.Error("does not wait for IPv6")
	}
	m.waitReady()
	if strings.Contains(m.conf(), "2a05") {
		t.Error("serves an address that no interface has")
	}
	m.setAddresses("10.0.1.5", "2a05:d014::5")
	m.eventually("a restart", func() bool { return strings.Contains(m.calls(), "restart coturn") })
	if !strings.Contains(m.conf(), "\nlistening-ip=2a05:d014::5\nrelay-ip=10.0.1.5\nrelay-ip=2a05:d014::5\n") {
		t.Error(m.conf())
	}
	m.halt()
}

// The wait begins with the first answer of the metadata service, not with the agent.
func TestIPv6AfterLateMetadata(t *testing.T) {
	m := newMachine(t, false)
	m.setAddresses("10.0.1.5")
	m.cloud.Fail(clouds.Forbidden)
	m.boot()
	time.Sleep(250 * time.Millisecond)
	m.cloud.Fail(clouds.None)
	time.Sleep(80 * time.Millisecond)
	if m.ready() {
		t.Error("does not wait for IPv6")
	}
	m.waitReady()
	m.halt()
}

// A machine without IPv4 is ready as soon as an interface has its IPv6 address, and never without one.
func TestOnlyIPv6(t *testing.T) {
	for _, google := range []bool{false, true} {
		m := newMachine(t, google)
		first, list := "2a05:d014::5", "meta-data/network/interfaces/macs/0a:1b:2c:3d:4e:5f/ipv6s"
		if google {
			first, list = "2600:1900::5", "instance/network-interfaces/0/ipv6s"
		}
		for _, item := range []string{
			"meta-data/local-ipv4", "meta-data/public-ipv4", "meta-data/public-hostname",
			"instance/network-interfaces/0/ip", "instance/network-interfaces/0/access-configs/0/external-ip", "instance/hostname",
		} {
			m.cloud.Set(item, "")
		}
		m.cloud.Set(list, first)
		m.settings(`{"metrics": {"from": ["10.0.0.0/8"]}, "certificate": {"valueFrom": "/c"}, "privateKey": {"valueFrom": "/k"}, "tls443": true}`)
		if google {
			m.settings(`{"metrics": {"from": ["10.0.0.0/8"]}}`)
		}
		certificate, key := pair(t, time.Now().Add(time.Hour))
		m.fetcher.set("/c", certificate)
		m.fetcher.set("/k", m.hide(key))
		m.facts.Options = append(m.facts.Options, "allocation-default-address-family")
		m.setAddresses("127.0.0.1", "::1")
		m.boot()
		m.eventually("an error", func() bool { return strings.Contains(m.log.String(), "no interface has an assigned IPv6 address") })
		m.polls(3)
		if m.ready() {
			t.Fatal("ready without any address")
		}
		m.setAddresses("127.0.0.1", "::1", first)
		m.waitReady()
		m.polls(3)
		want := "\n\nlistening-ip=" + first + "\nrelay-ip=" + first + "\nallocation-default-address-family=ipv6\nrealm=" + first + "\nlistening-port=3478\n"
		if !strings.Contains(m.conf(), want) || strings.Contains(m.conf(), "external-ip") || strings.Contains(m.conf(), "10.0.1.5") {
			t.Error(m.conf())
		}
		if !google && !strings.Contains(m.conf(), "\naux-server=["+first+"]:443\n") {
			t.Error(m.conf())
		}
		if !strings.Contains(m.notices.String(), "STATUS=serving "+first+", realm "+first+", relay") {
			t.Error(m.notices)
		}
		for line, times := range map[string]int{"metrics are served on 127.0.0.1 only": 1, "there is no public address": 0, "invalid": 0} {
			if strings.Count(m.log.String(), line) != times {
				t.Error(m.log)
			}
		}
		// Another address cuts off the sessions, so they have 5 s instead of 60 s.
		m.setAddresses("2a05:d014::99")
		m.cloud.Set(list, "2a05:d014::99")
		m.eventually("a restart", func() bool { return strings.Contains(m.log.String(), "coturn restarts; sessions have 5 s to end") })
		m.polls(3)
		m.halt()
		// A restarted agent knows that the address is the same, so the sessions have their time.
		m.settings(`{"realm": "new.example"}`)
		m.start()
		m.eventually("another restart", func() bool { return strings.Contains(m.log.String(), "coturn restarts; sessions have 60 s to end") })
		m.halt()
	}
}

// Metadata that lacks the private address for a moment doesn't make a machine with IPv4 one without.
func TestPrivateAddressStays(t *testing.T) {
	m := newMachine(t, false)
	m.cloud.Set("meta-data/public-ipv4", "")
	m.boot()
	m.waitReady()
	conf := m.conf()
	m.cloud.Set("meta-data/local-ipv4", "")
	m.eventually("the error", func() bool {
		return strings.Contains(m.log.String(), "the metadata has no private address, but an interface still has 10.0.1.5")
	})
	m.polls(3)
	if m.conf() != conf {
		t.Error(m.conf())
	}
	m.halt()
}

func TestWithoutPublicAddress(t *testing.T) {
	m := newMachine(t, false)
	m.cloud.Set("meta-data/public-ipv4", "")
	m.cloud.Set("meta-data/public-hostname", "")
	m.boot()
	m.waitReady()
	m.polls(5)
	if strings.Contains(m.conf(), "external-ip") || !strings.Contains(m.conf(), "\nrealm=10.0.1.5\n") {
		t.Error(m.conf())
	}
	if strings.Count(m.log.String(), "there is no public address") != 1 {
		t.Error(m.log)
	}
	m.halt()
}

func TestStartupScript(t *testing.T) {
	m := newMachine(t, false)
	m.settings("#!/bin/sh\necho hello\n")
	m.boot()
	m.waitReady()
	started := func() int {
		return strings.Count(m.calls(), "systemctl --no-block start turn-startup-script.service\n")
	}
	m.eventually("the script", func() bool { return started() == 1 })
	if got := m.read(m.paths.State("startup-script")); got != "#!/bin/sh\necho hello\n" {
		t.Error(got)
	}
	m.halt()
	m.start()
	m.polls(3)
	if started() != 1 {
		t.Error("a restarted agent runs the script again")
	}
	m.halt()
	m.boot()
	m.eventually("the script after a boot", func() bool { return started() == 2 })
	m.halt()
}

func TestSSHKeys(t *testing.T) {
	m := newMachine(t, false)
	m.facts.SSH = true
	m.boot()
	m.waitReady()
	keys := m.paths.Run("authorized_keys")
	if got := m.read(keys); got != "ssh-ed25519 AAAAC3Nza operator\n" {
		t.Error(got)
	}
	// sshd reads it as the user who logs in, and refuses a file that others can write.
	if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o644 {
		t.Error(info, err)
	}
	open := func() bool { return strings.Contains(m.read(m.file("rules")), "dport 22") }
	if open() {
		t.Error("the firewall is open for SSH without sshFrom")
	}
	m.settings(`{"sshFrom": ["203.0.113.0/24"]}`)
	m.eventually("port 22", open)
	if !strings.Contains(m.read(m.file("rules")), "ip saddr { 203.0.113.0/24 } tcp dport 22 accept") {
		t.Error(m.read(m.file("rules")))
	}
	m.settings("")
	m.eventually("port 22 closed", func() bool { return !open() })
	m.cloud.Set("meta-data/public-keys/", "")
	m.eventually("no key", func() bool { _, err := os.Stat(keys); return os.IsNotExist(err) })
	m.halt()
}

func TestNoSSH(t *testing.T) {
	for _, google := range []bool{false, true} {
		m := newMachine(t, google)
		m.settings(`{"sshFrom": ["203.0.113.0/24"]}`)
		m.boot()
		m.waitReady()
		if _, err := os.Stat(m.paths.Run("authorized_keys")); !os.IsNotExist(err) || strings.Contains(m.read(m.file("rules")), "dport 22") {
			t.Error("SSH in an image without it")
		}
		m.halt()
	}
}

// Real sqlite3 stores what turnserver reads.
func TestDatabase(t *testing.T) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("sqlite3 is not installed: the SQL is not tried")
	}
	file := filepath.Join(t.TempDir(), "turndb")
	w := writer{owner: Owner{os.Getuid(), os.Getgid()}}
	sql := func(input string) string {
		output, err := run(t.Context(), w.credential(), input, "sqlite3", "-batch", "-bail", file)
		if err != nil {
			t.Fatal(err)
		}
		return output
	}
	sql(secretsSQL([]string{"old"}, []string{"gone"}))
	sql(secretsSQL([]string{"example.org", "b"}, []string{`it's "q"; -- .quit`, "äöü$(id)"}))
	want := "b|it's \"q\"; -- .quit\nb|äöü$(id)\nexample.org|it's \"q\"; -- .quit\nexample.org|äöü$(id)\n"
	if got := sql("SELECT realm, value FROM turn_secret ORDER BY 1, 2;\n"); got != want {
		t.Error(got)
	}
}
