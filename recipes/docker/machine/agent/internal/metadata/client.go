package metadata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// requestTimeout bounds each request, and maxAnswer each answer: the largest is a settings document that is just too
// long, so that the document's own limit can be reported.
const (
	requestTimeout = 2 * time.Second
	maxAnswer      = 256 << 10
)

// client makes single requests: no proxy, no redirect, no retry.
type client struct {
	base string
	http *http.Client
}

func newClient(base string) client {
	return client{base: strings.TrimSuffix(base, "/"), http: &http.Client{
		Timeout:       requestTimeout,
		Transport:     &http.Transport{Proxy: nil, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a complete response.
type answer struct {
	status int
	header http.Header
	body   string
}

func (c client) request(ctx context.Context, method, path string, header map[string]string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return answer{}, err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %s", path, Cause(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fmt.Errorf("%s: the answer broke off: %s", path, Cause(err))
	}
	if len(body) > maxAnswer {
		return answer{}, fmt.Errorf("%s: the answer is longer than %d bytes", path, maxAnswer)
	}
	return answer{response.StatusCode, response.Header, string(body)}, nil
}

// text checks that an answer has what was asked for.
func (a answer) text(path string) (string, error) {
	switch {
	case a.status == http.StatusNotFound:
		return "", fmt.Errorf("%s: %w", path, ErrAbsent)
	case a.status >= 300 && a.status < 400:
		return "", fmt.Errorf("%s: answered with a redirect (%d)", path, a.status)
	case a.status != http.StatusOK:
		return "", fmt.Errorf("%s: answered with status %d", path, a.status)
	}
	if kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); kind == "text/html" {
		return "", fmt.Errorf("%s: answered with an HTML page", path)
	}
	return a.body, nil
}

// Cause shortens the errors of net/http, which repeat the URL and the kind of each layer.
func Cause(err error) string {
	var dns *net.DNSError
	var operation *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return "stopped"
	case os.IsTimeout(err) || errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return dns.Error()
	case errors.As(err, &operation):
		return operation.Err.Error()
	}
	return err.Error()
}
