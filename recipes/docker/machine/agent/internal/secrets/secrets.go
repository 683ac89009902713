// Package secrets reads secrets by reference, with the instance's own identity: from SSM Parameter Store and AWS Secrets
// Manager, or from Google Secret Manager.
package secrets

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"turn-agent/internal/metadata"
	"turn-agent/internal/settings"
)

// Fetcher reads secrets of the cloud that the machine runs in.
type Fetcher struct {
	http      *http.Client
	amazon    *metadata.Amazon
	google    *metadata.Google
	endpoints map[string]string
	now       func() time.Time
	pause     time.Duration
}

// New makes a fetcher that authenticates through the metadata service. The endpoints ssm, secretsmanager and
// secretmanager replace the public ones in tests.
func New(service metadata.Service, endpoints map[string]string) *Fetcher {
	f := &Fetcher{endpoints: endpoints, now: time.Now, pause: 200 * time.Millisecond}
	f.amazon, _ = service.(*metadata.Amazon)
	f.google, _ = service.(*metadata.Google)
	f.http = &http.Client{
		Timeout: 3 * time.Second,
		Transport: &http.Transport{
			Proxy: nil, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 3 * time.Second,
			IdleConnTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return f
}

// Fetch reads a secret. Its errors name what is missing and never show a value.
func (f *Fetcher) Fetch(ctx context.Context, r settings.Reference) (string, error) {
	switch {
	case r.Store == settings.SecretManager && f.google != nil:
		return f.fromGoogle(ctx, r)
	case r.Store != settings.SecretManager && f.amazon != nil:
		return f.fromAmazon(ctx, r)
	}
	return "", fmt.Errorf("this machine cannot read from %s", r.Store)
}

// attempts is how often a request is made if the service fails or throttles.
const attempts = 3

// maxAnswer is more than any secret's 64 KiB in base64.
const maxAnswer = 256 << 10

// errBusy marks answers after which a request is worth repeating.
var errBusy = errors.New("is overloaded or unavailable")

// send makes a request, prepared anew for each attempt, until the service has answered.
func (f *Fetcher) send(ctx context.Context, store settings.Store, body []byte, prepare func() (*http.Request, error)) (int, []byte, error) {
	var last error
	for attempt := range attempts {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return 0, nil, fmt.Errorf("%s: %w", store, last)
			case <-time.After(f.pause << attempt):
			}
		}
		request, err := prepare()
		if err != nil {
			return 0, nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		request.ContentLength = int64(len(body))
		status, answer, err := f.once(request.WithContext(ctx))
		if err == nil && status < 500 && !throttled(status, answer) {
			return status, answer, nil
		}
		if last = errBusy; err != nil {
			last = errors.New(metadata.Cause(err))
		}
	}
	return 0, nil, fmt.Errorf("%s: %w", store, last)
}

func throttled(status int, answer []byte) bool {
	return status == http.StatusTooManyRequests || status == http.StatusBadRequest && bytes.Contains(answer, []byte("ThrottlingException"))
}

func (f *Fetcher) once(request *http.Request) (int, []byte, error) {
	response, err := f.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, answer, err
}
