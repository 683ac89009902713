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
	"syscall"
	"time"
)

// requestTimeout bounds each request, and maxAnswer each answer: the largest is a settings document that is just too
// long, so that the document's own limit can be reported.
const (
	requestTimeout = 2 * time.Second
	maxAnswer      = 256 << 10
)

// client makes single requests: no proxy, no redirect, no retry. It uses the first base URL to which there is a route.
type client struct {
	bases []string
	http  *http.Client
}

func newClient(bases []string) client {
	return client{bases: bases, http: &http.Client{
		Timeout:       requestTimeout,
		Transport:     &http.Transport{Proxy: nil, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// noRoute tells that the machine has no address of the service's family. A service that doesn't answer is another matter.
func noRoute(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// answer is a complete response.
type answer struct {
	status int
	header http.Header
	body   string
}

func (c client) request(ctx context.Context, method, path string, header map[string]string) (answer, error) {
	var response *http.Response
	for i, base := range c.bases {
		request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+path, nil)
		if err != nil {
			return answer{}, err
		}
		for name, value := range header {
			request.Header.Set(name, value)
		}
		response, err = c.http.Do(request)
		if err == nil {
			break
		}
		if noRoute(err) && i+1 < len(c.bases) {
			continue
		}
		if i > 0 {
			return answer{}, fmt.Errorf("%s: at %s, because there is no route to %s: %s", path, base, c.bases[0], Cause(err))
		}
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
