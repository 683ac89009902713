package agent

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"turn-agent/internal/image"
)

func served(t *testing.T, upstream http.HandlerFunc) (*Agent, string) {
	t.Helper()
	programs := t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "systemctl"), []byte("#!/bin/sh\necho ActiveState=deactivating\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	a := New(`1.0"x`, image.Facts{Cloud: "aws"}, image.Paths{Root: t.TempDir()}, Owner{}, io.Discard)
	a.Upstream = server.URL + "/metrics"
	a.health.relayPorts, a.health.valid, a.health.lastSuccess = 55535, true, time.Unix(1700000000, 0)
	m := newMetricsServer(a)
	t.Cleanup(m.stop)
	front := httptest.NewServer(m)
	t.Cleanup(front.Close)
	return a, front.URL
}

func get(t *testing.T, method, url string) (int, string) {
	t.Helper()
	request, _ := http.NewRequest(method, url, nil)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func TestMetrics(t *testing.T) {
	const coturns = "# TYPE turn_traffic_rcvp counter\nturn_traffic_rcvp{realm=\"a\"} 7"
	a, url := served(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, coturns) })
	a.health.expiry = time.Unix(1800000000, 0)
	code, text := get(t, http.MethodGet, url+"/metrics")
	want := coturns + `
# HELP turn_agent_info The agent and the cloud that it runs in.
# TYPE turn_agent_info gauge
turn_agent_info{version="1.0\"x",cloud="aws"} 1
# HELP turn_agent_relay_ports Size of the relay pool of each address family. An allocation takes one port.
# TYPE turn_agent_relay_ports gauge
turn_agent_relay_ports 55535
# HELP turn_agent_settings_valid Whether the present settings document is valid. If not, the last good one is in force.
# TYPE turn_agent_settings_valid gauge
turn_agent_settings_valid 1
# HELP turn_agent_draining Whether coturn accepts no new sessions and waits for the others to end, because it restarts or stops.
# TYPE turn_agent_draining gauge
turn_agent_draining 1
# HELP turn_agent_metadata_last_success_timestamp_seconds When the metadata service last answered correctly.
# TYPE turn_agent_metadata_last_success_timestamp_seconds gauge
turn_agent_metadata_last_success_timestamp_seconds 1700000000
# HELP turn_agent_certificate_expiry_timestamp_seconds End of the TLS certificate's validity.
# TYPE turn_agent_certificate_expiry_timestamp_seconds gauge
turn_agent_certificate_expiry_timestamp_seconds 1800000000
`
	if code != 200 || text != want {
		t.Errorf("%d\n%s", code, text)
	}
	for path, want := range map[string]int{"/": 404, "/metrics/": 404, "/../metrics": 404} {
		if code, _ := get(t, http.MethodGet, url+path); code != want {
			t.Error(path, code)
		}
	}
	if code, _ := get(t, http.MethodPost, url+"/metrics"); code != 405 {
		t.Error("POST:", code)
	}
}

func TestMetricsWithoutCoturn(t *testing.T) {
	for name, upstream := range map[string]http.HandlerFunc{
		"error":    func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 500) },
		"too much": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("#\n", maxMetrics/2+1)) },
	} {
		_, url := served(t, upstream)
		if code, text := get(t, http.MethodGet, url+"/metrics"); code != 503 || strings.Contains(text, "turn_agent") {
			t.Error(name, code, text)
		}
	}
	a, url := served(t, nil)
	a.Upstream = "http://127.0.0.1:1/metrics"
	if code, _ := get(t, http.MethodGet, url+"/metrics"); code != 503 {
		t.Error(code)
	}
}

func TestMetricsAddress(t *testing.T) {
	a, _ := served(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x 1\n") })
	m := newMetricsServer(a)
	defer m.stop()
	free := func() string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		return listener.Addr().String()
	}
	answers := func(address string) bool {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == 200
	}
	first, second := free(), free()
	m.serveAt(first)
	if !answers(first) {
		t.Error("not at the first address")
	}
	m.serveAt(second)
	http.DefaultClient.CloseIdleConnections()
	if answers(first) || !answers(second) {
		t.Error("not only at the second address")
	}
	m.serveAt("")
	http.DefaultClient.CloseIdleConnections()
	if answers(second) {
		t.Error("still there")
	}
}

// The agent shows what it knows about the machine.
func TestMetricsOfTheAgent(t *testing.T) {
	m := running(t, `{"relayPorts": "20000-20099"}`)
	values := func() string { return m.agent.metrics.own(context.Background()) }
	if !strings.Contains(values(), "turn_agent_relay_ports 100\n") || !strings.Contains(values(), "turn_agent_settings_valid 1\n") {
		t.Error(values())
	}
	var now int64
	fmt.Sscanf(values()[strings.Index(values(), "\nturn_agent_metadata_last"):], "\nturn_agent_metadata_last_success_timestamp_seconds %d", &now)
	if age := time.Now().Unix() - now; age > 3 {
		t.Error("age", age)
	}
	for state, want := range map[string]string{"active": "turn_agent_draining 0\n", "deactivating": "turn_agent_draining 1\n", "inactive": "turn_agent_draining 0\n"} {
		m.coturn(state, "", "first")
		if !strings.Contains(values(), want) {
			t.Error(state, values())
		}
	}
	m.must(os.Remove(m.file("coturn")))
	if strings.Contains(values(), "turn_agent_draining") {
		t.Error("invents a state:", values())
	}
	m.coturn("active", "running", "first")
	m.settings("[]")
	m.eventually("0", func() bool { return strings.Contains(values(), "turn_agent_settings_valid 0\n") })
	m.halt()
}
