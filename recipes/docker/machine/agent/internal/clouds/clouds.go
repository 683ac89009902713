// Package clouds has metadata servers of both clouds for tests. They enforce the rules of the real ones, and can be
// slow, silent or wrong.
package clouds

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is a way in which a server misbehaves.
type Fault string

// The faults. Silent takes longer than any client waits.
const (
	None      Fault = ""
	Silent    Fault = "silent"
	Slow      Fault = "slow"
	Forbidden Fault = "forbidden"
	Missing   Fault = "missing"
	HTML      Fault = "html"
	Redirect  Fault = "redirect"
	BreakOff  Fault = "break off"
	Endless   Fault = "endless"
)

// Server is a metadata server. Items are keyed by their path below /latest/ or /computeMetadata/v1/.
type Server struct {
	URL      string
	mutex    sync.Mutex
	google   bool
	items    map[string]string
	fault    Fault
	tokens   int
	expired  int
	refusals []string
	requests map[string]int
	done     chan struct{}
}

// Start serves a cloud's metadata until the test ends.
func Start(t *testing.T, google bool, items map[string]string) *Server {
	t.Helper()
	s := &Server{google: google, items: items, requests: map[string]int{}, done: make(chan struct{})}
	server := httptest.NewServer(s)
	s.URL = server.URL
	t.Cleanup(func() { close(s.done); server.CloseClientConnections(); server.Close() })
	return s
}

// Set changes an item. An empty value removes it.
func (s *Server) Set(path, value string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if value == "" {
		delete(s.items, path)
	} else {
		s.items[path] = value
	}
}

// Fail makes the server misbehave until the next call.
func (s *Server) Fail(fault Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.fault = fault
}

// ExpireTokens makes EC2's server refuse all tokens given so far.
func (s *Server) ExpireTokens() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.expired = s.tokens
}

// Refusals are the requests that broke a rule of the service.
func (s *Server) Refusals() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]string(nil), s.refusals...)
}

// Requests counts the correct requests for an item.
func (s *Server) Requests(path string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.requests[path]
}

// Tokens counts the tokens that EC2's server has given.
func (s *Server) Tokens() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.tokens
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	fault := s.fault
	s.mutex.Unlock()
	if s.google {
		w.Header().Set("Metadata-Flavor", "Google")
	}
	if s.misbehave(w, r, fault) {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.google {
		s.serveGoogle(w, r)
	} else {
		s.serveAmazon(w, r)
	}
}

func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, fault Fault) bool {
	switch fault {
	case Silent:
		select {
		case <-s.done:
		case <-r.Context().Done():
		}
	case Slow:
		time.Sleep(100 * time.Millisecond)
		return false
	case Forbidden:
		http.Error(w, "forbidden", http.StatusForbidden)
	case Missing:
		http.NotFound(w, r)
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html><body>Log in to the network</body></html>")
	case Redirect:
		http.Redirect(w, r, s.URL+"/elsewhere"+r.URL.Path, http.StatusFound)
	case BreakOff:
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "10.0.")
	case Endless:
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(w, strings.Repeat("1", 65536)); err != nil {
				break
			}
		}
	default:
		return false
	}
	return true
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	s.refusals = append(s.refusals, r.Method+" "+r.URL.Path+": "+why)
	http.Error(w, why, status)
}

func (s *Server) serveAmazon(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/latest/")
	if path == "api/token" {
		if r.Method != http.MethodPut || r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "21600" {
			s.refuse(w, r, http.StatusBadRequest, "no PUT with a time to live")
			return
		}
		s.tokens++
		fmt.Fprintf(w, "token-%d==", s.tokens)
		return
	}
	var number int
	if _, err := fmt.Sscanf(r.Header.Get("X-Aws-Ec2-Metadata-Token"), "token-%d==", &number); err != nil {
		s.refuse(w, r, http.StatusUnauthorized, "no token")
		return
	}
	if number <= s.expired {
		http.Error(w, "expired", http.StatusUnauthorized)
		return
	}
	s.item(w, r, path)
}

func (s *Server) serveGoogle(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Forwarded-For") != "" {
		s.refuse(w, r, http.StatusForbidden, "no header Metadata-Flavor")
		return
	}
	s.item(w, r, strings.TrimPrefix(r.URL.Path, "/computeMetadata/v1/"))
}

func (s *Server) item(w http.ResponseWriter, r *http.Request, path string) {
	s.requests[path]++
	value, ok := s.items[path]
	if !ok || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, value)
}
