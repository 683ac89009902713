package secrets

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"turn-agent/internal/clouds"
	"turn-agent/internal/metadata"
	"turn-agent/internal/settings"
)

// answers serves one answer after the other, and repeats the last one.
type answers struct {
	t        *testing.T
	list     []string
	requests []string
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h := r.Header
	authorization, _, _ := strings.Cut(h.Get("Authorization"), ", Signature=")
	a.requests = append(a.requests, strings.Join([]string{r.Method, r.URL.Path, h.Get("X-Amz-Target"), h.Get("X-Amz-Security-Token"), authorization, string(body)}, " "))
	answer := a.list[min(len(a.requests), len(a.list))-1]
	status := http.StatusOK
	if code, rest, found := strings.Cut(answer, "|"); found {
		fmt.Sscan(code, &status)
		answer = rest
	}
	if status == 302 {
		w.Header().Set("Location", "/")
	}
	w.WriteHeader(status)
	io.WriteString(w, answer)
}

func fetcher(t *testing.T, google bool, list ...string) (*Fetcher, *answers) {
	t.Helper()
	items := clouds.AmazonItems()
	cloud := settings.AWS
	if google {
		items, cloud = clouds.GoogleItems(), settings.GCE
	}
	a := &answers{t: t, list: list}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	service := metadata.New(cloud, clouds.Start(t, google, items).URL)
	f := New(service, map[string]string{"ssm": server.URL, "secretsmanager": server.URL, "secretmanager": server.URL})
	f.pause = time.Millisecond
	f.now = func() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }
	return f, a
}

func fetch(t *testing.T, f *Fetcher, reference string) string {
	t.Helper()
	r, ok := settings.ParseReference(reference)
	if !ok {
		t.Fatal("not a reference:", reference)
	}
	value, err := f.Fetch(t.Context(), r)
	if err != nil {
		return "error: " + err.Error()
	}
	return value
}

const (
	parameter = "arn:aws:ssm:us-west-2:123456789012:parameter/turn/secret"
	secret    = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:turn-AbCdEf"
	resource  = "projects/my-project/secrets/turn"
)

func TestRequests(t *testing.T) {
	for _, test := range []struct{ reference, answer, request string }{
		{"/turn/secret", `{"Parameter": {"Value": "v"}}`,
			`POST / AmazonSSM.GetParameter role-token AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20261201/eu-central-1/ssm/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target {"Name":"/turn/secret","WithDecryption":true}`},
		{parameter, `{"Parameter": {"Value": "v"}}`,
			`POST / AmazonSSM.GetParameter role-token AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20261201/us-west-2/ssm/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target {"Name":"` + parameter + `","WithDecryption":true}`},
		{secret + ":key::", `{"SecretString": "{\"key\": \"v\", \"other\": 1}"}`,
			`POST / secretsmanager.GetSecretValue role-token AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20261201/eu-west-1/secretsmanager/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target {"SecretId":"` + secret + `"}`},
		{resource, `{"payload": {"data": "dg=="}}`,
			"GET /v1/projects/my-project/secrets/turn/versions/latest:access   Bearer google-token "},
	} {
		f, a := fetcher(t, test.reference == resource, test.answer)
		if got := fetch(t, f, test.reference); got != "v" {
			t.Error(got)
		}
		if len(a.requests) != 1 || a.requests[0] != test.request {
			t.Errorf("got  %q\nwant %q", a.requests, test.request)
		}
	}
}

// The checksum is the published check value of CRC-32C.
func TestChecksum(t *testing.T) {
	f, _ := fetcher(t, true, `{"payload": {"data": "MTIzNDU2Nzg5", "dataCrc32c": "3808858755"}}`)
	if got := fetch(t, f, resource); got != "123456789" {
		t.Error(got)
	}
}

func TestRetries(t *testing.T) {
	for _, busy := range []string{"503|", "500|x", "429|", `400|{"__type": "com.amazonaws.ssm#ThrottlingException"}`} {
		f, a := fetcher(t, false, busy, busy, `{"Parameter": {"Value": "v"}}`)
		if got := fetch(t, f, "/turn/secret"); got != "v" || len(a.requests) != 3 {
			t.Error(busy, got, len(a.requests))
		}
	}
	f, a := fetcher(t, false, "503|")
	if got := fetch(t, f, "/turn/secret"); got != "error: SSM Parameter Store: is overloaded or unavailable" || len(a.requests) != attempts {
		t.Error(got, len(a.requests))
	}
}

func TestErrors(t *testing.T) {
	amazon := func(kind string) string {
		text, _ := json.Marshal(map[string]string{"__type": kind, "message": "leaked-message"})
		return "400|" + string(text)
	}
	for _, test := range []struct{ reference, answer, want string }{
		{"/s", amazon("AccessDeniedException"), "access denied: the instance's role needs ssm:GetParameter on /s, and kms:Decrypt"},
		{secret, amazon("AccessDeniedException"), "access denied: the instance's role needs secretsmanager:GetSecretValue on " + secret},
		{"/s", amazon("ParameterNotFound"), "SSM Parameter Store has no /s"},
		{secret, amazon("com.amazonaws.secretsmanager#ResourceNotFoundException"), "AWS Secrets Manager has no " + secret},
		{"/s", amazon("ExpiredTokenException"), "refuses the role's credentials"},
		{"/s", amazon("InvalidKeyId"), "needs kms:Decrypt on its key"},
		{"/s", amazon("SomethingNew"), "refuses to give /s: SomethingNew (status 400)"},
		{"/s", amazon("<b>\n"), "unknown error (status 400)"},
		{"/s", "302|", "unknown error (status 302)"},
		{"/s", "<html>", "did not answer with JSON"},
		{"/s", "{}", "has no text in /s"},
		{secret, `{"SecretBinary": "AAAA"}`, "has no text in"},
		{secret + ":key::", `{"SecretString": "leaked"}`, "not a JSON object"},
		{secret + ":key::", `{"SecretString": "{\"key\": 5, \"k\": \"leaked\"}"}`, "no string with the key key"},
		{resource, "403|{}", "access denied: the instance's service account needs roles/secretmanager.secretAccessor on " + resource},
		{resource, `403|{"error": {"details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`, "access scope cloud-platform"},
		{resource, "404|", "Google Secret Manager has no " + resource},
		{resource, "401|", "refuses the service account's token"},
		{resource, "400|", "is the version enabled?"},
		{resource, "{}", "without a payload"},
		{resource, `{"payload": {"data": "%"}}`, "invalid base64"},
		{resource, `{"payload": {"data": "dg==", "dataCrc32c": "1"}}`, "wrong checksum"},
	} {
		f, _ := fetcher(t, test.reference == resource, test.answer)
		got := fetch(t, f, test.reference)
		if !strings.HasPrefix(got, "error: ") || !strings.Contains(got, test.want) || strings.ContainsAny(got, "\n<") || strings.Contains(got, "leaked") {
			t.Errorf("%s: %s", test.answer, got)
		}
	}
}

func TestUnreachable(t *testing.T) {
	f, _ := fetcher(t, false)
	f.endpoints["ssm"] = "http://127.0.0.1:1"
	if got := fetch(t, f, "/s"); got != "error: SSM Parameter Store: connect: connection refused" {
		t.Error(got)
	}
	if got := fetch(t, f, resource); got != "error: this machine cannot read from Google Secret Manager" {
		t.Error(got)
	}
}

func TestWithoutRole(t *testing.T) {
	items := clouds.AmazonItems()
	delete(items, "meta-data/iam/security-credentials/")
	f := New(metadata.New(settings.AWS, clouds.Start(t, false, items).URL), nil)
	if got := fetch(t, f, "/s"); !strings.Contains(got, "the instance has no role") {
		t.Error(got)
	}
	items = clouds.GoogleItems()
	delete(items, "instance/service-accounts/default/token")
	f = New(metadata.New(settings.GCE, clouds.Start(t, true, items).URL), nil)
	if got := fetch(t, f, resource); !strings.Contains(got, "the instance has no service account") {
		t.Error(got)
	}
}

func TestAddressesOfServices(t *testing.T) {
	f := &Fetcher{}
	for region, want := range map[string]string{
		"eu-central-1": "https://ssm.eu-central-1.amazonaws.com/", "cn-north-1": "https://ssm.cn-north-1.amazonaws.com.cn/",
		"us-gov-west-1": "https://ssm.us-gov-west-1.amazonaws.com/",
	} {
		if got := f.amazonURL("ssm", region); got != want {
			t.Error(got)
		}
	}
}
