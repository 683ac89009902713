package render

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"turn-agent/internal/image"
	"turn-agent/internal/metadata"
	"turn-agent/internal/settings"
)

var update = flag.Bool("update", false, "write the golden files")

const base = `# Configuration
listening-port=3478
  realm = turnserver
#external-ip=PUBLIC/PRIVATE
lt-cred-mech
static-auth-secret=north
	min-port 10000
max-port=65534
denied-peer-ip=10.0.0.0-10.255.255.255
no-multicast-peers
prometheus
prometheus-address=127.0.0.1
`

var options = []string{
	"listening-ip", "relay-ip", "external-ip", "realm", "listening-port", "tls-listening-port", "aux-server", "min-port", "max-port",
	"lt-cred-mech", "use-auth-secret", "userdb", "user-quota", "total-quota", "max-bps", "bps-capacity", "denied-peer-ip",
	"allowed-peer-ip", "cert", "pkey", "no-tls", "no-dtls",
}

func input(t *testing.T, document string) Input {
	t.Helper()
	s, problems := settings.Parse([]byte(document), settings.AWS, time.Now())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return Input{
		Base:     []byte(base),
		Facts:    image.Facts{Cloud: settings.AWS, Options: options, User: "turnserver"},
		Settings: s,
		Identity: metadata.Identity{Private: netip.MustParseAddr("10.0.1.5"), Public: netip.MustParseAddr("18.184.1.2"), Hostname: "turn.example.org"},
	}
}

const full = `{"realm": "example.org", "listeningPort": 80, "tlsListeningPort": 5350, "tls443": true, "relayPorts": "20000-30000",
	"certificate": {"valueFrom": "/c"}, "privateKey": {"valueFrom": "/k"}, "authSecret": {"value": "hidden-kX9vQ2mZ7pL4"},
	"userQuota": 1, "totalQuota": 2, "maxBps": 3, "bpsCapacity": 4, "allowedPeers": ["10.0.0.7"], "deniedPeers": ["8.8.8.0-8.8.8.255"],
	"metrics": {"from": ["10.0.0.0/8", "10.1.0.0/16"], "port": 9100}, "sshFrom": ["203.0.113.0/24", "2001:db8::/32"]}`

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("../../testdata/render", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs:\n%s", name, got)
	}
}

func TestConfiguration(t *testing.T) {
	text, missing := Configuration(input(t, ""))
	golden(t, "default.conf", text)
	if len(missing) > 0 {
		t.Error(missing)
	}
	in := input(t, full)
	in.Identity.IPv6 = []netip.Addr{netip.MustParseAddr("2a05:d014::5")}
	text, _ = Configuration(in)
	golden(t, "full.conf", text)
	if strings.Contains(string(text), "hidden") {
		t.Error("has the secret")
	}
}

func TestDTLSIsEnabledWhereItIsAnOption(t *testing.T) {
	in := input(t, full)
	in.Facts.Options = append(slices.Clone(options), "dtls")
	if text, _ := Configuration(in); !strings.Contains(string(text), "\ndtls\n") || strings.Contains(string(text), "no-tls") {
		t.Errorf("%s", text)
	}
	in.Settings = input(t, "").Settings
	if text, _ := Configuration(in); strings.Contains(string(text), "dtls") || !strings.Contains(string(text), "\nno-tls\n") {
		t.Errorf("%s", text)
	}
}

// The unit's limit suffices for the widest relay range: two file descriptors a port, two address families, 1,000 more.
func TestOpenFilesOfTheUnit(t *testing.T) {
	widest := 0
	for _, text := range []string{"1536-65534", "1024-65022"} {
		s := input(t, `{"listeningPort": 80, "tlsListeningPort": 443, "relayPorts": "`+text+`"}`).Settings
		widest = max(widest, s.RelayPorts.Size())
	}
	unit, err := os.ReadFile("../../../rootfs/usr/lib/systemd/system/coturn.service.d/turn-agent.conf")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("\nLimitNOFILE=%d\n", 2*2*widest+1000); !strings.Contains(string(unit), want) {
		t.Errorf("no line%s", want)
	}
}

func TestWithoutPublicAddress(t *testing.T) {
	in := input(t, "")
	in.Identity.Public, in.Identity.Hostname = netip.Addr{}, ""
	text, _ := Configuration(in)
	if strings.Contains(string(text), "\nexternal-ip") || !strings.Contains(string(text), "\nrealm=10.0.1.5\n") {
		t.Errorf("%s", text)
	}
}

func TestOnlyIPv6(t *testing.T) {
	in := input(t, "")
	in.Base = []byte(base + "allocation-default-address-family=keep\n")
	in.Facts.Options = append(slices.Clone(options), "allocation-default-address-family")
	in.Identity = metadata.Identity{IPv6: []netip.Addr{netip.MustParseAddr("2a05:d014::5"), netip.MustParseAddr("2a05:d014::6")}}
	text, missing := Configuration(in)
	want := "\nlistening-ip=2a05:d014::5\nlistening-ip=2a05:d014::6\nrelay-ip=2a05:d014::5\nrelay-ip=2a05:d014::6\n" +
		"allocation-default-address-family=ipv6\nrealm=2a05:d014::5\n"
	if !strings.Contains(string(text), want) || strings.Contains(string(text), "external-ip=1") || strings.Contains(string(text), "keep") || len(missing) > 0 {
		t.Errorf("%v\n%s", missing, text)
	}
	if !settings.ValidRealm(in.Realm()) {
		t.Error("an address is no realm")
	}
}

// turnserver would ignore options that it doesn't know, with a warning that nobody reads.
func TestOptionsThatThisTurnserverLacks(t *testing.T) {
	in := input(t, full)
	in.Facts.Options = slices.DeleteFunc(slices.Clone(options), func(o string) bool { return o == "user-quota" || o == "aux-server" })
	text, missing := Configuration(in)
	if !slices.Equal(missing, []string{"aux-server", "user-quota"}) || strings.Contains(string(text), "user-quota") {
		t.Errorf("%v\n%s", missing, text)
	}
}

func TestFirewall(t *testing.T) {
	s := input(t, "").Settings
	golden(t, "default.nft", Firewall(PortsOf(s), s, image.Facts{}, 110))
	old := PortsOf(s)
	s = input(t, full).Settings
	both := PortsOf(s)
	both.Listeners, both.Relay = append(both.Listeners, old.Listeners...), append(both.Relay, old.Relay...)
	golden(t, "full.nft", Firewall(both, s, image.Facts{SSH: true}, 110))
}

// Real nft judges the golden files and the static rules of the image.
func TestFirewallSyntax(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("nft is not installed: the rules' syntax is not checked")
	}
	if output, err := exec.Command(nft, "list", "ruleset").CombinedOutput(); err != nil {
		t.Skipf("nft cannot reach the kernel here: %s", output)
	}
	files, _ := filepath.Glob("../../testdata/render/*.nft")
	for _, file := range append(files, "../../../rootfs/etc/nftables.conf") {
		if output, err := exec.Command(nft, "-c", "-f", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", file, output)
		}
	}
}

func TestKernelPorts(t *testing.T) {
	s := input(t, "").Settings
	if got := KernelPorts(PortsOf(s), s); got != (Kernel{"3478,9641-9642,10000-65534", "1024 9999"}) {
		t.Error(got)
	}
	s = input(t, full).Settings
	if got := KernelPorts(PortsOf(s), s); got != (Kernel{"80,443,5350,9100,9641-9642,20000-30000", "30002 65535"}) {
		t.Error(got)
	}
}
