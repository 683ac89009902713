package agent

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

const inForce = "settings: the last good settings stay in force"

func TestBadSettings(t *testing.T) {
	m := running(t, `{"realm": "good.example", "authSecret": {"value": "`+"kX9vQ2mZ7pL4kX9v"+`"}}`)
	m.hide("kX9vQ2mZ7pL4kX9v")
	conf, calls := m.conf(), m.calls()
	m.hide("north-kX9vQ2mZ")
	m.settings(`{"realm": "new.example", "relayPorts": "2000-1000", "authSecret": {"vaule": "north-kX9vQ2mZ"}}`)
	m.eventually("last good", func() bool { return strings.Contains(m.log.String(), inForce) })
	for _, line := range []string{
		`<3>turn-agent: settings: relayPorts: "2000-1000": the first port is greater than the last`,
		`<3>turn-agent: settings: authSecret.vaule: unknown key; did you mean value?`,
	} {
		if strings.Count(m.log.String(), line+"\n") != 1 {
			t.Error(m.log)
		}
	}
	m.polls(3)
	if m.conf() != conf || m.calls() != calls {
		t.Error(m.conf(), m.calls())
	}
	if strings.Count(m.log.String(), inForce) != 1 {
		t.Error("says it again and again:", m.log)
	}
	m.eventually("status", func() bool { return strings.Contains(m.notices.String(), "STATUS=the last good settings are in force") })
	m.halt()
	// They last over a reboot.
	m.boot()
	m.waitReady()
	if m.conf() != conf || strings.Count(m.log.String(), inForce) != 2 {
		t.Error(m.conf(), m.log)
	}
	m.settings(`{"realm": "new.example"}`)
	m.eventually("new settings", func() bool { return strings.Contains(m.conf(), "realm=new.example") })
	m.halt()
}

func TestNoGoodSettingsEver(t *testing.T) {
	m := newMachine(t, false)
	m.settings(`{"relayPorts": "2000-1000"}`)
	m.boot()
	m.eventually("the reason", func() bool {
		return strings.Contains(m.log.String(), "there are no earlier good settings, so coturn does not start")
	})
	m.polls(5)
	if m.ready() || m.conf() != "" || m.read(m.paths.State("settings.json")) != "" {
		t.Error("ready")
	}
	if strings.Count(m.log.String(), "2000-1000") != 1 {
		t.Error(m.log)
	}
	m.settings("{}")
	m.waitReady()
	m.halt()
}

func TestGarbage(t *testing.T) {
	m := running(t, "")
	for _, garbage := range []string{strings.Repeat("\x00", 16384), strings.Repeat("x", 20000), "{", "\xff\xfe"} {
		lines := strings.Count(m.log.String(), inForce)
		m.settings(garbage)
		m.eventually("last good", func() bool { return strings.Count(m.log.String(), inForce) > lines })
	}
	for _, line := range strings.Split(strings.TrimSpace(m.log.String()), "\n") {
		if !strings.HasPrefix(line, "<3>turn-agent: ") && !strings.HasPrefix(line, "<6>turn-agent: ") || len(line) > 300 {
			t.Errorf("line %q", line)
		}
	}
	m.halt()
}

func TestUnreadableSecretAtBoot(t *testing.T) {
	m := newMachine(t, false)
	m.settings(`{"authSecret": {"valueFrom": "/turn/secret"}}`)
	m.boot()
	m.eventually("the cause", func() bool {
		return strings.Contains(m.log.String(), "settings: authSecret: access denied: the role needs ssm:GetParameter")
	})
	m.polls(5)
	if m.ready() {
		t.Error("ready without a secret")
	}
	m.fetcher.set("/turn/secret", m.hide("first-kX9vQ2mZ7pL4"))
	m.waitReady()
	m.halt()
	// With new settings whose secret can't be read, the machine comes up with the last good ones.
	m.settings(`{"realm": "new.example", "authSecret": {"valueFrom": "/turn/other"}}`)
	m.boot()
	time.Sleep(100 * time.Millisecond)
	if m.ready() {
		t.Error("gives the new settings no time")
	}
	m.waitReady()
	if strings.Contains(m.conf(), "new.example") || !strings.Contains(m.log.String(), inForce) {
		t.Error(m.conf(), m.log)
	}
	m.fetcher.set("/turn/other", m.hide("other-kX9vQ2mZ7pL4"))
	m.eventually("the new settings", func() bool { return m.has("new.example", "other-kX9vQ2mZ7pL4") })
	m.halt()
}

// The whole way of a secret: role or service account, store, database.
func TestSecretFromStore(t *testing.T) {
	for _, google := range []bool{false, true} {
		m := newMachine(t, google)
		secret := m.hide("stored-kX9vQ2mZ7pL4")
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			authorization := r.Header.Get("Authorization")
			switch {
			case r.URL.Path == "/" && strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/"):
				fmt.Fprintf(w, `{"Parameter": {"Value": "%s"}}`, secret)
			case r.URL.Path == "/v1/projects/my-project/secrets/turn/versions/latest:access" && authorization == "Bearer google-token":
				fmt.Fprintf(w, `{"payload": {"data": "%s"}}`, base64.StdEncoding.EncodeToString([]byte(secret)))
			default:
				http.Error(w, "no", http.StatusForbidden)
			}
		}))
		m.stores = store.URL
		from := "/turn/secret"
		if google {
			from = "projects/my-project/secrets/turn"
		}
		m.settings(`{"realm": "r", "authSecret": {"valueFrom": "` + from + `"}}`)
		m.boot()
		m.waitReady()
		if !m.has("r", secret) {
			t.Error(m.database())
		}
		m.halt()
		store.Close()
	}
}

func pair(t *testing.T, end time.Time) (certificate, key string) {
	t.Helper()
	return pairFrom(t, time.Now().Add(-time.Hour), end)
}

func pairFrom(t *testing.T, begin, end time.Time) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "turn.example"},
		NotBefore: begin, NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		var text bytes.Buffer
		_ = pem.Encode(&text, &pem.Block{Type: kind, Bytes: der})
		return text.String()
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER)
}

func TestCertificateRotates(t *testing.T) {
	for _, reload := range []bool{true, false} {
		m := newMachine(t, false)
		m.facts.Reload = reload
		end := time.Now().Add(time.Hour)
		certificate, key := pair(t, end)
		m.fetcher.set("/c", certificate)
		m.fetcher.set("/k", key)
		m.settings(`{"certificate": {"valueFrom": "/c"}, "privateKey": {"valueFrom": "/k"}, "tls443": true}`)
		m.boot()
		m.waitReady()
		m.hide(strings.Split(key, "\n")[1])
		if m.read(m.paths.Run("certificate.pem")) != certificate || m.read(m.paths.Run("key.pem")) != key {
			t.Error("not written")
		}
		if info, err := os.Stat(m.paths.Run("key.pem")); err != nil || info.Mode().Perm() != 0o640 {
			t.Error(info, err)
		}
		if !strings.Contains(m.conf(), "\naux-server=10.0.1.5:443\n") || !strings.Contains(m.conf(), "\ncert="+m.paths.Run("certificate.pem")+"\n") {
			t.Error(m.conf())
		}
		conf := m.conf()
		// Between the two changes, certificate and key don't match: nothing happens.
		certificate, key = pair(t, end)
		m.fetcher.set("/c", certificate)
		m.eventually("the mismatch", func() bool { return strings.Contains(m.log.String(), "privateKey: does not match the certificate") })
		if strings.Contains(m.calls(), "systemctl") {
			t.Error(m.calls())
		}
		m.fetcher.set("/k", key)
		m.hide(strings.Split(key, "\n")[1])
		want := "systemctl --no-block reload coturn.service\n"
		if !reload {
			want = restartCall
		}
		m.eventually("the reload", func() bool { return strings.Contains(m.calls(), want) })
		m.polls(3)
		if strings.Count(m.calls(), "systemctl") != 1 || m.conf() != conf || m.read(m.paths.Run("key.pem")) != key {
			t.Error(m.calls())
		}
		// An expired one is not used.
		expired, expiredKey := pair(t, time.Now().Add(-time.Minute))
		m.fetcher.set("/c", expired)
		m.fetcher.set("/k", expiredKey)
		m.eventually("the expiry", func() bool { return strings.Contains(m.log.String(), "certificate: expired on ") })
		if m.read(m.paths.Run("certificate.pem")) != certificate {
			t.Error("uses an expired certificate")
		}
		m.halt()
	}
}

// A certificate that is not valid yet is refused, and used as soon as it is valid: given by value or by reference.
func TestCertificateBecomesValid(t *testing.T) {
	for _, byValue := range []bool{true, false} {
		m := newMachine(t, false)
		certificate, key := pairFrom(t, time.Now().Add(3*time.Second), time.Now().Add(time.Hour))
		m.hide(strings.Split(key, "\n")[1])
		m.fetcher.set("/c", certificate)
		m.fetcher.set("/k", key)
		document := `{"certificate": {"valueFrom": "/c"}, "privateKey": {"valueFrom": "/k"}}`
		if byValue {
			document = fmt.Sprintf(`{"certificate": {"value": %q}, "privateKey": {"value": %q}}`, certificate, key)
		}
		m.settings(document)
		m.boot()
		m.eventually("the problem", func() bool { return strings.Contains(m.log.String(), "certificate: not valid before 20") })
		if m.ready() {
			t.Error("uses a certificate that is not valid yet")
		}
		m.waitReady()
		if m.read(m.paths.Run("certificate.pem")) != certificate || strings.Count(m.log.String(), "not valid before") != 1 {
			t.Error(m.log)
		}
		m.halt()
	}
}

// An option that the next settings don't need is no longer reported.
func TestMissingOptionsAreReportedOnce(t *testing.T) {
	m := newMachine(t, false)
	m.facts.Options = strings.Fields(strings.Replace(options, " user-quota", "", 1))
	m.settings(`{"userQuota": 5}`)
	m.boot()
	m.waitReady()
	m.settings(`{"realm": "r"}`)
	m.eventually("the new settings", func() bool { return strings.Contains(m.conf(), "\nrealm=r\n") })
	m.polls(3)
	if strings.Count(m.log.String(), "this turnserver has no option user-quota:") != 1 || strings.Count(m.log.String(), "has no option") != 1 {
		t.Error(m.log)
	}
	m.halt()
}
