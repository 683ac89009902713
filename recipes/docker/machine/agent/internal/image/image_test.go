package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.json")
	const good = `{"cloud": "gce", "options": ["realm", "dtls"], "drain": true, "reload": true, "user": "turnserver", "ssh": true}`
	load := func(text string) (Facts, error) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return Load(file)
	}
	facts, err := load(good)
	if err != nil || facts.Cloud != "gce" || !facts.Drain || !facts.Reload || !facts.SSH || !facts.Has("dtls") || facts.Has("dtl") {
		t.Error(facts, err)
	}
	for old, replacement := range map[string]string{
		`"gce"`: `"azure"`, `["realm", "dtls"]`: "[]", `"turnserver"`: `""`, "{": "",
	} {
		if _, err := load(strings.Replace(good, old, replacement, 1)); err == nil {
			t.Errorf("%s for %s is accepted", replacement, old)
		}
	}
	if _, err := Load(file + ".missing"); err == nil {
		t.Error("a missing file is accepted")
	}
}

func TestPaths(t *testing.T) {
	var p Paths
	for got, want := range map[string]string{
		p.Facts(): "/etc/turn-agent/agent.json", p.Base(): "/usr/lib/turn-agent/base.conf", p.Configuration(): "/etc/turnserver.conf",
		p.Database(): "/var/lib/turn/turndb", p.State("secret"): "/var/lib/turn-agent/secret", p.Run("status.json"): "/run/turn-agent/status.json",
		p.Kernel("x"): "/proc/sys/net/ipv4/x", p.Interfaces6(): "/proc/net/if_inet6",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
