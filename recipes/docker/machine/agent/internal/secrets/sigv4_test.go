package secrets

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"turn-agent/internal/metadata"
)

// Vectors of AWS's Signature Version 4 test suite.
func TestSign(t *testing.T) {
	keys := metadata.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	const token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
	for name, vector := range map[string]struct {
		method, body, token string
		headers             map[string][]string
		names, signature    string
	}{
		"get-vanilla":  {"GET", "", "", nil, "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"post-vanilla": {"POST", "", "", nil, "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"post-x-www-form-urlencoded": {"POST", "Param1=value1", "", map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}},
			"content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		"post-sts-header-before": {"POST", "", token, nil, "host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
		"get-header-value-trim": {"GET", "", "", map[string][]string{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}},
			"host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(vector.method, "https://example.amazonaws.com/", nil)
			if err != nil {
				t.Fatal(err)
			}
			for header, values := range vector.headers {
				request.Header[header] = values
			}
			keys.Token = vector.token
			sign(request, []byte(vector.body), keys, "us-east-1", "service", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + vector.names +
				", Signature=" + vector.signature
			if got := request.Header.Get("Authorization"); got != want {
				t.Error(strings.ReplaceAll(got, ", ", "\n"), "\n", want)
			}
		})
	}
}
