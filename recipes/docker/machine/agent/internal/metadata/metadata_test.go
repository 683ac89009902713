package metadata

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"turn-agent/internal/clouds"
	"turn-agent/internal/settings"
)

var ctx = context.Background()

func identity(t *testing.T, s Service) string {
	t.Helper()
	i, err := s.Identity(ctx)
	if err != nil {
		return err.Error()
	}
	text := i.Private.String() + " " + i.Public.String() + " " + i.Hostname
	for _, a := range i.IPv6 {
		text += " " + a.String()
	}
	return text
}

func TestAmazon(t *testing.T) {
	items := clouds.AmazonItems()
	items["user-data"] = "{}"
	server := clouds.Start(t, false, items)
	a := NewAmazon(server.URL)
	if got := identity(t, a); got != "10.0.1.5 18.184.1.2 ec2-18-184-1-2.eu-central-1.compute.amazonaws.com 2a05:d014::5 2a05:d014::6" {
		t.Error(got)
	}
	if document, err := a.Settings(ctx); string(document) != "{}" || err != nil {
		t.Error(document, err)
	}
	if region, err := a.Region(ctx); region != "eu-central-1" || err != nil {
		t.Error(region, err)
	}
	if got, err := a.Credentials(ctx); got != (Credentials{"ASIAEXAMPLE", "role-key", "role-token"}) || err != nil {
		t.Error(got, err)
	}
	if got, err := a.SSHKeys(ctx); !reflect.DeepEqual(got, []string{"ssh-ed25519 AAAAC3Nza operator"}) || err != nil {
		t.Error(got, err)
	}
	if server.Tokens() != 1 || len(server.Refusals()) > 0 {
		t.Error(server.Tokens(), server.Refusals())
	}
}

func TestAmazonRenewsItsToken(t *testing.T) {
	server := clouds.Start(t, false, clouds.AmazonItems())
	a := NewAmazon(server.URL)
	now := time.Now()
	a.now = func() time.Time { return now }
	identity(t, a)
	server.ExpireTokens()
	if got := identity(t, a); !strings.HasPrefix(got, "10.0.1.5") || server.Tokens() != 2 {
		t.Error("after 401:", got, server.Tokens())
	}
	now = now.Add(tokenLife - tokenMargin + time.Second)
	if got := identity(t, a); !strings.HasPrefix(got, "10.0.1.5") || server.Tokens() != 3 {
		t.Error("before its end:", got, server.Tokens())
	}
}

func TestGoogle(t *testing.T) {
	items := clouds.GoogleItems()
	items["instance/attributes/turn-settings"] = "{}"
	server := clouds.Start(t, true, items)
	g := NewGoogle(server.URL)
	if got := identity(t, g); got != "10.0.1.5 34.90.1.2 turn-1.europe-west4-a.c.my-project.internal 2600:1900::5" {
		t.Error(got)
	}
	if document, err := g.Settings(ctx); string(document) != "{}" || err != nil {
		t.Error(document, err)
	}
	if token, err := g.AccessToken(ctx); token != "google-token" || err != nil {
		t.Error(token, err)
	}
	if len(server.Refusals()) > 0 {
		t.Error(server.Refusals())
	}
}

func TestOptionalItems(t *testing.T) {
	for _, google := range []bool{false, true} {
		items := map[string]string{"meta-data/local-ipv4": "10.0.1.5", "meta-data/mac": "0a:1b:2c:3d:4e:5f"}
		if google {
			items = map[string]string{"instance/network-interfaces/0/ip": "10.0.1.5", "instance/network-interfaces/0/access-configs/0/external-ip": "\n"}
		}
		s := service(clouds.Start(t, google, items).URL, google)
		if got := identity(t, s); got != "10.0.1.5 invalid IP " {
			t.Error(got)
		}
		if document, err := s.Settings(ctx); len(document) > 0 || err != nil {
			t.Error(document, err)
		}
	}
}

// A machine with IPv6 only has no private IPv4 address.
func TestOnlyIPv6(t *testing.T) {
	for _, google := range []bool{false, true} {
		items, private, public := clouds.AmazonItems(), "meta-data/local-ipv4", "meta-data/public-ipv4"
		want := "invalid IP invalid IP ec2-18-184-1-2.eu-central-1.compute.amazonaws.com 2a05:d014::5 2a05:d014::6"
		if google {
			items, private, public = clouds.GoogleItems(), "instance/network-interfaces/0/ip", "instance/network-interfaces/0/access-configs/0/external-ip"
			want = "invalid IP invalid IP turn-1.europe-west4-a.c.my-project.internal 2600:1900::5"
		}
		delete(items, private)
		server := clouds.Start(t, google, items)
		if got := identity(t, service(server.URL, google)); !strings.HasPrefix(got, "there is a public IPv4 address, ") {
			t.Error(got)
		}
		server.Set(public, "")
		if got := identity(t, service(server.URL, google)); got != want {
			t.Error(got)
		}
		server.Set("instance/network-interfaces/0/ipv6s", "")
		server.Set("meta-data/network/interfaces/macs/0a:1b:2c:3d:4e:5f/ipv6s", "")
		if got := identity(t, service(server.URL, google)); !strings.HasPrefix(got, "there is neither an IPv6 address nor a private IPv4 address: ") {
			t.Error(got)
		}
	}
}

// routes sends requests to a server, except those to an address without a route.
type routes struct {
	without string
	err     error
	hosts   []string
}

func (r *routes) RoundTrip(request *http.Request) (*http.Response, error) {
	r.hosts = append(r.hosts, request.URL.Host)
	if request.URL.Host == r.without {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", r.err)}
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Metadata-Flavor": {"Google"}}, Body: io.NopCloser(strings.NewReader("x"))}, nil
}

// Without a route to the IPv4 address, the service is read at its IPv6 address. If it doesn't answer, it isn't.
func TestServiceAtIPv6(t *testing.T) {
	for _, test := range []struct {
		cloud   settings.Cloud
		without string
		err     error
		want    string
		hosts   int
	}{
		{"aws", "169.254.169.254", syscall.ENETUNREACH, "x", 4},
		{"gce", "169.254.169.254", syscall.ENETUNREACH, "x", 2},
		{"aws", "169.254.169.254", syscall.ECONNREFUSED, "/latest/api/token: connect: connection refused", 1},
		{"aws", "169.254.169.254", syscall.EHOSTUNREACH, "/latest/api/token: connect: no route to host", 1},
		{"aws", "", nil, "x", 2},
	} {
		r := &routes{without: test.without, err: test.err}
		s := New(test.cloud, BaseURLs(test.cloud)...)
		six := "[fd00:ec2::254]"
		if g, ok := s.(*Google); ok {
			g.client.http.Transport = r
			six = "[fd20:ce::254]"
		} else {
			s.(*Amazon).client.http.Transport = r
		}
		got, err := s.Settings(ctx)
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != test.want || len(r.hosts) != test.hosts || test.hosts > 1 && test.err != nil && r.hosts[len(r.hosts)-1] != six {
			t.Errorf("%s %v: %s, asked %v", test.cloud, test.err, got, r.hosts)
		}
	}
	a := NewAmazon(BaseURLs("aws")...)
	a.client.bases[0] = a.client.bases[1]
	a.client.http.Transport = &routes{without: "[fd00:ec2::254]", err: syscall.ENETUNREACH}
	if _, err := a.Settings(ctx); err == nil || !strings.Contains(err.Error(), "at http://[fd00:ec2::254], because there is no route to http://") {
		t.Error(err)
	}
}

func service(url string, google bool) Service {
	if google {
		return New("gce", url)
	}
	return New("aws", url)
}

func TestFaults(t *testing.T) {
	for _, google := range []bool{false, true} {
		items := clouds.AmazonItems()
		if google {
			items = clouds.GoogleItems()
		}
		server := clouds.Start(t, google, items)
		for fault, want := range map[clouds.Fault]string{
			clouds.Silent:    "no answer in time",
			clouds.Forbidden: "status 403",
			clouds.Missing:   "not found (404)",
			clouds.HTML:      "an HTML page",
			clouds.Redirect:  "a redirect (302)",
			clouds.BreakOff:  "broke off",
			clouds.Endless:   "longer than",
		} {
			server.Fail(fault)
			begin := time.Now()
			if got := identity(t, service(server.URL, google)); !strings.Contains(got, want) {
				t.Errorf("%s: %s", fault, got)
			}
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("%s: took %s", fault, took)
			}
		}
		server.Fail(clouds.Slow)
		if got := identity(t, service(server.URL, google)); !strings.HasPrefix(got, "10.0.1.5 ") {
			t.Error("slow:", got)
		}
	}
}

// A proxy of the environment would get the role's credentials.
func TestNoProxy(t *testing.T) {
	if newClient(nil).http.Transport.(*http.Transport).Proxy != nil {
		t.Error("uses a proxy")
	}
}

func TestUnreachable(t *testing.T) {
	if got := identity(t, NewAmazon("http://127.0.0.1:1")); got != "/latest/api/token: connect: connection refused" {
		t.Error(got)
	}
}

// An answer without Google's header comes from something else, such as a proxy.
func TestGoogleWithoutFlavor(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("10.0.1.5")) }))
	defer server.Close()
	if got := identity(t, NewGoogle(server.URL)); !strings.Contains(got, "does not come from Google's metadata server") {
		t.Error(got)
	}
}

func TestWrongAddresses(t *testing.T) {
	for path, values := range map[string][]string{
		"meta-data/local-ipv4":  {"", "localhost", "127.0.0.1", "0.0.0.0", "0.1.2.3", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::1", "10.0.1.5 10.0.1.6", "10.0.1"},
		"meta-data/public-ipv4": {"x", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "224.0.0.1", "0.0.0.0", "2a05::1", "240.0.0.1"},
		"meta-data/mac":         {"", "../../user-data", "0A:1B"},
		"meta-data/network/interfaces/macs/0a:1b:2c:3d:4e:5f/ipv6s": {"x", "10.0.0.1", "ff02::1", "::", "::1", "::ffff:10.0.0.1"},
	} {
		for _, value := range values {
			items := clouds.AmazonItems()
			items[path] = value
			if _, err := NewAmazon(clouds.Start(t, false, items).URL).Identity(ctx); err == nil {
				t.Errorf("%s: %q passed", path, value)
			}
		}
	}
}

func TestWrongNamesAreLeftOut(t *testing.T) {
	items := clouds.AmazonItems()
	items["meta-data/public-hostname"] = "a b\nlog-file=/etc/passwd"
	items["meta-data/network/interfaces/macs/0a:1b:2c:3d:4e:5f/ipv6s"] = "fe80::1\n2a05:d014::5/128"
	if got := identity(t, NewAmazon(clouds.Start(t, false, items).URL)); got != "10.0.1.5 18.184.1.2  2a05:d014::5" {
		t.Error(got)
	}
}
