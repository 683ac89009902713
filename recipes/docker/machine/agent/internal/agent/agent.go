// Package agent keeps a machine's turnserver configured as the cloud and the operator's settings say.
package agent

import (
	"context"
	"io"
	"net/netip"
	"os"
	"sync"
	"time"

	"turn-agent/internal/image"
	"turn-agent/internal/metadata"
	"turn-agent/internal/secrets"
	"turn-agent/internal/settings"
)

// Intervals are how often the agent does something.
type Intervals struct {
	Poll, Secrets        time.Duration
	FirstRetry, MaxRetry time.Duration
	// Metadata is the longest pause while the machine's own metadata service fails. A store belongs to a whole fleet.
	Metadata time.Duration
	// IPv6 is how long a start waits for IPv6 addresses, once the metadata service has named them.
	IPv6 time.Duration
	// Patience is how long a start waits for the secrets of new settings before it uses the last good settings.
	Patience time.Duration
}

// DefaultIntervals notice a changed address within 5 s.
var DefaultIntervals = Intervals{
	Poll: 5 * time.Second, Secrets: time.Minute,
	FirstRetry: 200 * time.Millisecond, MaxRetry: 5 * time.Second, Metadata: time.Second, IPv6: 10 * time.Second, Patience: 30 * time.Second,
}

// Agent is the service. Its fields may be changed before Run.
type Agent struct {
	Version   string
	Facts     image.Facts
	Paths     image.Paths
	Owner     Owner
	Metadata  metadata.Service
	Fetcher   Fetcher
	Intervals Intervals
	Log       *Log
	// Addresses lists the usable addresses of the machine's interfaces.
	Addresses func() ([]netip.Addr, error)
	// Socket is systemd's for notifications.
	Socket string
	// MetricsAddress and Upstream are where the agent serves metrics and where coturn does.
	MetricsAddress, Upstream string
	Now                      func() time.Time

	base       []byte
	started    time.Time
	lacksIPv6  time.Time
	ready      bool
	settings   choice
	identity   metadata.Identity
	keys       []byte
	nextKeys   time.Time
	current    *State
	restart    *restart
	noPublic   bool
	noMetrics  bool
	lackReport string

	health  health
	metrics *metricsServer
	report  []byte
	trouble string
	said    string
}

// health is what the metrics show. The server of metrics reads it concurrently.
type health struct {
	mutex       sync.Mutex
	lastSuccess time.Time
	valid       bool
	relayPorts  int
	expiry      time.Time
}

// New makes an agent for the machine.
func New(version string, facts image.Facts, paths image.Paths, owner Owner, out io.Writer) *Agent {
	bases := metadata.BaseURLs(facts.Cloud)
	if base := facts.Endpoints["metadata"]; base != "" {
		bases = []string{base}
	}
	service := metadata.New(facts.Cloud, bases...)
	return &Agent{
		Version: version, Facts: facts, Paths: paths, Owner: owner,
		Metadata:       service,
		Fetcher:        secrets.New(service, facts.Endpoints),
		Intervals:      DefaultIntervals,
		Log:            NewLog(out),
		Addresses:      func() ([]netip.Addr, error) { return interfaceAddresses(paths.Interfaces6()) },
		Socket:         os.Getenv("NOTIFY_SOCKET"),
		MetricsAddress: "127.0.0.1:9642", Upstream: "http://127.0.0.1:9641/metrics",
		Now: time.Now,
	}
}

// prepare reads what doesn't change while the agent runs.
func (a *Agent) prepare() error {
	base, err := os.ReadFile(a.Paths.Base())
	if err != nil {
		return err
	}
	a.base, a.started = base, a.Now()
	a.current = a.remember()
	return nil
}

// Run works until the context ends.
func (a *Agent) Run(ctx context.Context) error {
	if err := a.prepare(); err != nil {
		return err
	}
	a.metrics = newMetricsServer(a)
	if err := a.metrics.start(); err != nil {
		return err
	}
	defer a.metrics.stop()
	retry := a.Intervals.FirstRetry
	for {
		notify(a.Socket, "WATCHDOG=1")
		err := a.poll(ctx)
		if ctx.Err() != nil {
			notify(a.Socket, "STOPPING=1")
			return nil
		}
		delay := a.Intervals.Poll
		if err != nil && !a.ready {
			delay = retry
			if a.trouble != "" {
				delay = min(retry, a.Intervals.Metadata)
			}
			retry = min(2*retry, a.Intervals.MaxRetry)
		}
		select {
		case <-ctx.Done():
		case <-time.After(jitter(delay)):
		}
	}
}

// choice is which settings are in force.
type choice struct {
	document []byte
	read     bool
	problems []string
	// candidate is a valid document that is not in force yet, and fresh if it has not been tried.
	candidate *document
	fresh     bool
	// earlier is the last good document of an earlier boot.
	earlier *document
	force   *document
	secrets Secrets
	next    time.Time
}

// document is a valid one.
type document struct {
	text     []byte
	settings settings.Settings
}
