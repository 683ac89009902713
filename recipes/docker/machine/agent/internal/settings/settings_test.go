package settings

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
)

func parse(t *testing.T, document string, cloud Cloud) Settings {
	t.Helper()
	s, problems := Parse([]byte(document), cloud, time.Now())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

func TestDefaults(t *testing.T) {
	s := parse(t, "{}", AWS)
	want := Settings{
		ListeningPort: 3478, TLSListeningPort: 5349, RelayPorts: PortRange{10000, 65534}, DrainSeconds: 60,
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v", s)
	}
	if s := parse(t, "", GCE); s.SSHFrom[0].String() != "35.235.240.0/20" {
		t.Errorf("%v", s.SSHFrom)
	}
}

func TestValues(t *testing.T) {
	s := parse(t, `{"realm": "r", "listeningPort": 80, "tlsListeningPort": 443, "relayPorts": "20000-20099",
		"userQuota": 1, "totalQuota": 2, "maxBps": 3, "bpsCapacity": 4, "drainSeconds": 5,
		"allowedPeers": ["10.0.0.1"], "deniedPeers": ["10.0.0.2-10.0.0.9"],
		"authSecret": {"valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:turn-AbCdEf:key::"},
		"metrics": {"from": ["10.0.0.0/8"]}, "sshFrom": ["10.0.0.0/8"], "startupScript": "#!/bin/true"}`, AWS)
	ten := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	address := netip.MustParseAddr
	want := Settings{
		Realm: "r", ListeningPort: 80, TLSListeningPort: 443, RelayPorts: PortRange{20000, 20099},
		UserQuota: 1, TotalQuota: 2, MaxBps: 3, BpsCapacity: 4, DrainSeconds: 5,
		AllowedPeers: []PeerRange{{address("10.0.0.1"), address("10.0.0.1")}},
		DeniedPeers:  []PeerRange{{address("10.0.0.2"), address("10.0.0.9")}},
		AuthSecret: &Source{Reference: &Reference{Store: SecretsManager, Region: "eu-west-1",
			Name: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:turn-AbCdEf", JSONKey: "key"}},
		Metrics: &Metrics{From: ten, Port: 9641}, SSHFrom: ten, StartupScript: "#!/bin/true",
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v", s)
	}
}

func TestGoogleVersionDefaultsToLatest(t *testing.T) {
	reference, ok := ParseReference("projects/my-project/secrets/s")
	if !ok || reference.Name != "projects/my-project/secrets/s/versions/latest" {
		t.Error(reference, ok)
	}
}

func TestNotUTF8(t *testing.T) {
	if _, problems := Parse([]byte("{\"realm\": \"\xff\"}"), AWS, time.Now()); len(problems) != 1 || problems[0] != "document: not UTF-8 text" {
		t.Error(problems)
	}
}

func TestOwnPorts(t *testing.T) {
	for relay, want := range map[PortRange]PortRange{
		{10000, 65534}: {1024, 9999},
		{1024, 40000}:  {40001, 65535},
	} {
		if got := OwnPorts(relay); got != want {
			t.Errorf("%v: %v", relay, got)
		}
	}
}

func TestGoodSecrets(t *testing.T) {
	for _, secret := range []string{"80651734429086175330", "correct horse battery staple", "kX9$vQ2!mZ7@pL4#"} {
		if problem := CheckSecret(secret); problem != "" {
			t.Errorf("%q: %s", secret, problem)
		}
	}
}
