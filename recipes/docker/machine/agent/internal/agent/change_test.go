package agent

import (
	"os"
	"strings"
	"testing"
	"time"

	"turn-agent/internal/clouds"
)

const restartCall = "systemctl --no-block restart coturn.service\n"

// running boots a machine with settings.
func running(t *testing.T, document string) *machine {
	t.Helper()
	m := newMachine(t, false)
	m.settings(document)
	m.boot()
	m.waitReady()
	return m
}

func TestAddressChanges(t *testing.T) {
	m := newMachine(t, false)
	// Slow enough that a busy machine doesn't add polls.
	m.poll = 200 * time.Millisecond
	m.boot()
	m.waitReady()
	for _, public := range []string{"18.184.9.9", "", "18.184.7.7"} {
		restarts, polls := strings.Count(m.calls(), restartCall), m.pollCount()
		m.touch("hold")
		m.cloud.Set("meta-data/public-ipv4", public)
		m.eventually("a restart", func() bool { return strings.Count(m.calls(), restartCall) == restarts+1 })
		if n := m.pollCount() - polls; n > 3 {
			t.Errorf("noticed after %d polls", n)
		}
		if strings.Contains(m.conf(), "external-ip=") != (public != "") || !strings.Contains(m.conf(), public) {
			t.Error(m.conf())
		}
		if got := m.read(m.paths.Run("drain-seconds")); got != "5\n" {
			t.Error("drain-seconds:", got)
		}
		m.polls(3)
		if got := m.read(m.paths.Run("drain-seconds")); got != "5\n" {
			t.Error("drain-seconds while coturn still drains:", got)
		}
		m.must(os.Remove(m.file("hold")))
		m.coturn("active", "running", "after-"+public)
		m.eventually("the usual deadline", func() bool { return m.read(m.paths.Run("drain-seconds")) == "60\n" })
		m.polls(3)
		if n := strings.Count(m.calls(), restartCall); n != restarts+1 {
			t.Errorf("restarts %d times", n-restarts)
		}
	}
	m.halt()
}

func TestMetadataFailsLater(t *testing.T) {
	m := running(t, "")
	calls, conf := m.calls(), m.conf()
	for _, fault := range []clouds.Fault{clouds.Forbidden, clouds.Missing, clouds.HTML, clouds.BreakOff} {
		m.cloud.Fail(fault)
		time.Sleep(100 * time.Millisecond)
	}
	m.cloud.Fail(clouds.None)
	m.eventually("recovery", func() bool { return strings.Contains(m.log.String(), "metadata: works again") })
	m.polls(2)
	if m.calls() != calls || m.conf() != conf {
		t.Error(m.calls(), m.conf())
	}
	if !strings.Contains(m.notices.String(), "STATUS=the last good state stays; metadata: ") {
		t.Error(m.notices)
	}
	m.cloud.ExpireTokens()
	m.polls(2)
	m.halt()
}

func TestSecretRotates(t *testing.T) {
	m := newMachine(t, false)
	m.fetcher.set("/turn/secret", m.hide("first-kX9vQ2mZ7pL4")+"\n")
	m.settings(`{"realm": "r", "authSecret": {"valueFrom": "/turn/secret"}, "previousAuthSecret": {"value": "` + m.hide("earlier-kX9vQ2mZ7pL4") + `"}}`)
	m.boot()
	m.waitReady()
	if !m.has("r", "first-kX9vQ2mZ7pL4") || !m.has("r", "earlier-kX9vQ2mZ7pL4") {
		t.Error(m.database())
	}
	conf := m.conf()
	m.fetcher.set("/turn/secret", m.hide("second-kX9vQ2mZ7pL4"))
	m.eventually("the new secret", func() bool { return m.has("r", "second-kX9vQ2mZ7pL4") })
	if m.has("r", "first-kX9vQ2mZ7pL4") || m.conf() != conf || strings.Contains(m.calls(), "systemctl") {
		t.Error(m.database(), m.calls())
	}
	// A secret that can't be used, or not be read, changes nothing.
	calls := m.calls()
	m.fetcher.set("/turn/secret", "north")
	m.eventually("the complaint", func() bool { return strings.Contains(m.log.String(), "authSecret: the secret is a well-known example") })
	if m.calls() != calls || !m.has("r", "second-kX9vQ2mZ7pL4") {
		t.Error(m.database())
	}
	m.halt()
}

// A store that doesn't answer delays no changed address.
func TestAddressChangesWhileStoresAreSilent(t *testing.T) {
	m := newMachine(t, false)
	m.fetcher.set("/turn/secret", m.hide("first-kX9vQ2mZ7pL4"))
	m.settings(`{"authSecret": {"valueFrom": "/turn/secret"}}`)
	m.boot()
	m.waitReady()
	m.fetcher.hang(true)
	m.eventually("a silent store", func() bool { return m.fetcher.hanging() })
	m.cloud.Set("meta-data/public-ipv4", "18.184.9.9")
	begin := time.Now()
	m.eventually("a restart", func() bool { return strings.Contains(m.calls(), restartCall) })
	if took := time.Since(begin); took > fetchTime+2*time.Second {
		t.Error(took)
	}
	m.fetcher.hang(false)
	m.halt()
}

func TestRelayPortsChange(t *testing.T) {
	m := running(t, `{"realm": "a", "relayPorts": "20000-30000", "authSecret": {"value": "kX9vQ2mZ7pL4kX9v"}}`)
	m.hide("kX9vQ2mZ7pL4kX9v")
	m.touch("hold")
	m.settings(`{"realm": "b", "relayPorts": "40000-50000", "drainSeconds": 300, "authSecret": {"value": "kX9vQ2mZ7pL4kX9v"}}`)
	m.eventually("a restart", func() bool { return strings.Contains(m.calls(), restartCall) })
	rules := func() string { return m.read(m.file("rules")) }
	// The old turnserver still serves its sessions.
	if !strings.Contains(rules(), "udp dport { 3478, 20000-30000, 40000-50000 } accept") {
		t.Error(rules())
	}
	if !m.has("a", "kX9vQ2mZ7pL4kX9v") || !m.has("b", "kX9vQ2mZ7pL4kX9v") || m.read(m.paths.Run("drain-seconds")) != "300\n" {
		t.Error(m.database())
	}
	m.polls(3)
	if strings.Count(m.calls(), restartCall) != 1 || !strings.Contains(rules(), "20000") {
		t.Error("does not wait for the old one:", m.calls(), rules())
	}
	m.coturn("active", "running", "second")
	m.eventually("the final firewall", func() bool { return strings.Contains(rules(), "udp dport { 3478, 40000-50000 } accept") })
	m.eventually("the final database", func() bool { return !m.has("a", "kX9vQ2mZ7pL4kX9v") && m.has("b", "kX9vQ2mZ7pL4kX9v") })
	m.halt()
}

// An address that changes during a long drain ends it.
func TestAddressChangesDuringDrain(t *testing.T) {
	m := running(t, "")
	m.touch("hold")
	m.settings(`{"userQuota": 7, "drainSeconds": 3600}`)
	m.eventually("a restart", func() bool { return m.read(m.paths.Run("drain-seconds")) == "3600\n" })
	m.cloud.Set("meta-data/public-ipv4", "18.184.9.9")
	m.eventually("the short deadline", func() bool { return m.read(m.paths.Run("drain-seconds")) == "5\n" })
	m.halt()
}

func TestFailedRestart(t *testing.T) {
	m := running(t, "")
	m.touch("hold")
	m.must(os.WriteFile(m.file("journal"), []byte("bind: Cannot assign requested address\n"), 0o644))
	m.coturn("activating", "auto-restart", "")
	m.settings(`{"userQuota": 7}`)
	const line = "its last line: bind: Cannot assign requested address"
	m.eventually("the cause", func() bool { return strings.Contains(m.log.String(), line) })
	m.polls(5)
	if strings.Count(m.log.String(), line) != 1 {
		t.Error(m.log)
	}
	m.coturn("active", "running", "second")
	m.eventually("recovery", func() bool { return strings.Contains(m.log.String(), "coturn runs with the new configuration") })
	m.halt()
}

// An operator who has stopped coturn doesn't want it back.
func TestStoppedCoturn(t *testing.T) {
	m := running(t, "")
	m.coturn("inactive", "dead", "")
	m.settings(`{"userQuota": 7}`)
	m.eventually("the configuration", func() bool { return strings.Contains(m.conf(), "user-quota=7") })
	m.polls(2)
	if strings.Contains(m.calls(), "restart") {
		t.Error(m.calls())
	}
	m.halt()
}

func TestOnlyTheFirewallChanges(t *testing.T) {
	m := running(t, "")
	m.settings(`{"drainSeconds": 30}`)
	m.eventually("the deadline", func() bool { return m.read(m.paths.Run("drain-seconds")) == "30\n" })
	if strings.Contains(m.calls(), "systemctl") {
		t.Error(m.calls())
	}
	m.halt()
}

func TestRestartedAgent(t *testing.T) {
	m := running(t, `{"relayPorts": "20000-30000"}`)
	m.halt()
	m.start()
	m.polls(3)
	if strings.Contains(m.calls(), "systemctl") {
		t.Error("a restarted agent touches coturn:", m.calls())
	}
	m.halt()
	m.touch("hold")
	m.settings(`{"relayPorts": "40000-50000"}`)
	m.start()
	m.eventually("a restart", func() bool { return strings.Contains(m.calls(), restartCall) })
	if !strings.Contains(m.read(m.file("rules")), "{ 3478, 20000-30000, 40000-50000 }") {
		t.Error(m.read(m.file("rules")))
	}
	m.halt()
}
