package secrets

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"turn-agent/internal/metadata"
)

// sign adds AWS's Signature Version 4 to a request without a query. It signs all headers of the request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func sign(request *http.Request, body []byte, keys metadata.Credentials, region, service string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	request.Header.Set("X-Amz-Date", stamp)
	if keys.Token != "" {
		request.Header.Set("X-Amz-Security-Token", keys.Token)
	}
	headers, names := canonicalHeaders(request)
	path := request.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical := strings.Join([]string{request.Method, path, "", headers, names, digest(body)}, "\n")
	scope := strings.Join([]string{stamp[:8], region, service, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, digest([]byte(canonical))}, "\n")
	key := []byte("AWS4" + keys.SecretAccessKey)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		keys.AccessKeyID, scope, names, hex.EncodeToString(mac(key, text))))
}

func canonicalHeaders(request *http.Request) (lines, names string) {
	headers := map[string]string{"host": request.URL.Host}
	for name, values := range request.Header {
		for i, value := range values {
			values[i] = strings.Join(strings.Fields(value), " ")
		}
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	var sorted []string
	for name := range headers {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		lines += name + ":" + headers[name] + "\n"
	}
	return lines, strings.Join(sorted, ";")
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	hash := hmac.New(sha256.New, key)
	hash.Write([]byte(text))
	return hash.Sum(nil)
}
