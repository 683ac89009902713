package agent

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"turn-agent/internal/image"
	"turn-agent/internal/render"
	"turn-agent/internal/settings"
)

func state(change func(*State)) *State {
	s := State{
		Configuration: []byte("a"), Certificate: []byte("c"), Key: []byte("k"), Realms: []string{"r"}, Secrets: []string{"s"},
		Ports: render.Ports{Listeners: []int{3478}}, Firewall: []byte("f"), Kernel: render.Kernel{Reserved: "1"}, DrainSeconds: 60,
		Main: netip.MustParseAddr("10.0.1.5"), Public: netip.MustParseAddr("18.184.1.2"), AuthorizedKeys: []byte("x"),
	}
	change(&s)
	return &s
}

func TestPlan(t *testing.T) {
	able := image.Facts{Reload: true}
	for name, test := range map[string]struct {
		facts  image.Facts
		change func(*State)
		want   Changes
	}{
		"nothing":     {able, func(s *State) {}, Changes{Deadline: 60}},
		"secret":      {able, func(s *State) { s.Secrets = []string{"t"} }, Changes{Database: true, Deadline: 60}},
		"realm":       {able, func(s *State) { s.Realms = []string{"q"} }, Changes{Database: true, Deadline: 60}},
		"certificate": {able, func(s *State) { s.Certificate = []byte("d") }, Changes{Certificate: true, Coturn: Reload, Deadline: 60}},
		"key":         {able, func(s *State) { s.Key = []byte("l") }, Changes{Certificate: true, Coturn: Reload, Deadline: 60}},
		"certificate without reload": {image.Facts{}, func(s *State) { s.Certificate = []byte("d") },
			Changes{Certificate: true, Coturn: Restart, Deadline: 60}},
		"configuration": {able, func(s *State) { s.Configuration = []byte("b") }, Changes{Configuration: true, Coturn: Restart, Deadline: 60}},
		"both": {able, func(s *State) { s.Configuration, s.Key = []byte("b"), []byte("l") },
			Changes{Configuration: true, Certificate: true, Coturn: Restart, Deadline: 60}},
		"public address": {able, func(s *State) { s.Configuration, s.Public = []byte("b"), netip.Addr{} },
			Changes{Configuration: true, Coturn: Restart, Deadline: 5}},
		"private address": {able, func(s *State) { s.Configuration, s.Main = []byte("b"), netip.MustParseAddr("10.0.1.6") },
			Changes{Configuration: true, Coturn: Restart, Deadline: 5}},
		"address, no drain": {able, func(s *State) { s.Configuration, s.Public, s.DrainSeconds = []byte("b"), netip.Addr{}, 0 },
			Changes{Configuration: true, Drain: true, Coturn: Restart, Deadline: 0}},
		"firewall": {able, func(s *State) { s.Firewall = []byte("g") }, Changes{Firewall: true, Deadline: 60}},
		"kernel":   {able, func(s *State) { s.Kernel.Own = "2" }, Changes{Kernel: true, Deadline: 60}},
		"drain":    {able, func(s *State) { s.DrainSeconds = 7 }, Changes{Drain: true, Deadline: 7}},
		"SSH keys": {able, func(s *State) { s.AuthorizedKeys = nil }, Changes{Keys: true, Deadline: 60}},
	} {
		got := Plan(state(func(*State) {}), *state(test.change), test.facts)
		if got != test.want {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Any() != (name != "nothing") {
			t.Errorf("%s: Any() is %v", name, got.Any())
		}
	}
	if got := Plan(nil, *state(func(*State) {}), able); got.Coturn != Nothing || !got.Configuration || !got.Firewall || !got.Kernel || !got.Keys {
		t.Errorf("after a boot: %+v", got)
	}
}

func TestSecretsList(t *testing.T) {
	for previous, want := range map[string]int{"": 1, "a": 1, "b": 2} {
		if got := (Secrets{Auth: "a", Previous: previous}).List(); len(got) != want || got[0] != "a" {
			t.Error(got)
		}
	}
}

// The kernel's list: usable, still checked for duplicates, a duplicate, loopback.
func TestUsableIPv6(t *testing.T) {
	file := filepath.Join(t.TempDir(), "if_inet6")
	text := `2a05d014000000000000000000000005 02 40 00 80     eth0
2a05d014000000000000000000000006 02 40 00 c0     eth0
2a05d014000000000000000000000007 02 40 00 88     eth0
00000000000000000000000000000001 01 80 10 80       lo
garbage
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got := usableIPv6(file)
	if len(got) != 2 || got[0].String() != "2a05:d014::5" || got[1].String() != "::1" {
		t.Error(got)
	}
	if usableIPv6("/nonexistent") != nil {
		t.Error("addresses without IPv6")
	}
	if list, err := interfaceAddresses("/nonexistent"); err != nil || len(list) == 0 || !list[0].Is4() {
		t.Error(list, err)
	}
}

func TestGeneratedSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	first, err := generatedSecret(file)
	if err != nil || settings.CheckSecret(first) != "" {
		t.Fatal(first, err)
	}
	if again, err := generatedSecret(file); again != first || err != nil {
		t.Error("not kept", err)
	}
	for _, bad := range []string{"", "north\n", "short"} {
		os.WriteFile(file, []byte(bad), 0o600)
		if got, err := generatedSecret(file); err == nil {
			t.Errorf("%q: accepted as %q", bad, got)
		}
	}
}

// A failed write leaves the old file and no temporary one.
func TestReplace(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "f")
	if err := replace(file, []byte("old"), 0o640, -1); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := replace(filepath.Join(folder, "d"), []byte("new"), 0o640, -1); err == nil {
		t.Error("replaces a folder")
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 2 {
		t.Error(entries)
	}
	if err := replace(filepath.Join(folder, "none", "f"), nil, 0o640, -1); err == nil {
		t.Error("writes into a missing folder")
	}
}
