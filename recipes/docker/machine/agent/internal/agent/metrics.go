package agent

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxMetrics bounds what is read from coturn: labels by user can make many series.
const maxMetrics = 16 << 20

// metricsServer serves coturn's metrics and the agent's own. coturn's own port stays on the loopback address, because
// clients can reach everything that listens on the machine's other addresses through the relay.
type metricsServer struct {
	agent  *Agent
	client *http.Client
	server *http.Server

	mutex   sync.Mutex
	address string
	extra   net.Listener
}

func newMetricsServer(a *Agent) *metricsServer {
	m := &metricsServer{agent: a, client: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true, DisableCompression: true},
	}}
	m.server = &http.Server{
		Handler: m, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 15 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
	}
	return m
}

func (m *metricsServer) start() error {
	listener, err := net.Listen("tcp", m.agent.MetricsAddress)
	if err != nil {
		return err
	}
	go m.server.Serve(listener)
	return nil
}

func (m *metricsServer) stop() { m.server.Close() }

// serveAt listens on another address as well, or on none if it is empty.
func (m *metricsServer) serveAt(address string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if address == m.address {
		return
	}
	if m.extra != nil {
		m.extra.Close()
		m.extra, m.address = nil, ""
	}
	if address == "" {
		return
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		m.agent.Log.Repeated("metrics", err)
		return
	}
	m.agent.Log.Recovered("metrics")
	m.extra, m.address = listener, address
	go m.server.Serve(listener)
}

func (m *metricsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/metrics":
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		m.scrape(w, r)
	}
}

func (m *metricsServer) scrape(w http.ResponseWriter, r *http.Request) {
	text, err := m.upstream(r)
	if err != nil {
		http.Error(w, "coturn's metrics: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	io.WriteString(w, text+m.own(r.Context()))
}

func (m *metricsServer) upstream(r *http.Request) (string, error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, m.agent.Upstream, nil)
	if err != nil {
		return "", err
	}
	response, err := m.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxMetrics+1))
	if err == nil && len(text) > maxMetrics {
		err = fmt.Errorf("more than %d bytes", maxMetrics)
	}
	return string(text), err
}

// own are the agent's metrics, in the text format.
func (m *metricsServer) own(ctx context.Context) string {
	draining, err := m.draining(ctx)
	h := &m.agent.health
	h.mutex.Lock()
	defer h.mutex.Unlock()
	var text strings.Builder
	gauge := func(name, help, labels string, value any) {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s gauge\n%s%s %v\n", name, help, name, name, labels, value)
	}
	gauge("turn_agent_info", "The agent and the cloud that it runs in.",
		fmt.Sprintf(`{version="%s",cloud="%s"}`, escapeLabel(m.agent.Version), m.agent.Facts.Cloud), 1)
	gauge("turn_agent_relay_ports", "Size of the relay pool of each address family. An allocation takes one port.", "", h.relayPorts)
	gauge("turn_agent_settings_valid", "Whether the present settings document is valid. If not, the last good one is in force.", "", bit(h.valid))
	if err == nil {
		gauge("turn_agent_draining", "Whether coturn accepts no new sessions and waits for the others to end, because it restarts or stops.", "", bit(draining))
	}
	gauge("turn_agent_metadata_last_success_timestamp_seconds", "When the metadata service last answered correctly.", "", unix(h.lastSuccess))
	if !h.expiry.IsZero() {
		gauge("turn_agent_certificate_expiry_timestamp_seconds", "End of the TLS certificate's validity.", "", unix(h.expiry))
	}
	return text.String()
}

// stateTimeout bounds how long a scrape waits for systemd.
const stateTimeout = 2 * time.Second

// draining asks systemd, because coturn may be stopped by others: the machine itself is when it is switched off.
func (m *metricsServer) draining(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	state, err := coturn(ctx)
	return state.active == "deactivating", err
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func escapeLabel(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
}
