package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"turn-agent/internal/image"
	"turn-agent/internal/metadata"
	"turn-agent/internal/render"
)

// Status is what the agent last applied. It has no secret.
type Status struct {
	Version   string       `json:"version"`
	Cloud     string       `json:"cloud"`
	Private   netip.Addr   `json:"private"`
	Public    netip.Addr   `json:"public"`
	IPv6      []netip.Addr `json:"ipv6"`
	Realms    []string     `json:"realms"`
	Ports     render.Ports `json:"ports"`
	Expiry    *time.Time   `json:"certificateExpiry,omitempty"`
	Generated bool         `json:"generatedSecret"`
	Draining  bool         `json:"draining"`
	Problems  []string     `json:"problems"`
}

// status shows a line in `systemctl status`.
func (a *Agent) status(text string) {
	if text = oneLine(text); text != a.said {
		a.said = text
		notify(a.Socket, "STATUS="+text)
	}
}

// announce tells the operator and systemd about the present state, and starts what waits for it.
func (a *Agent) announce(ctx context.Context, changes Changes) error {
	if err := a.writeStatus(); err != nil {
		return err
	}
	m := a.settings.force.settings.Metrics
	address := ""
	if m != nil && a.identity.Private.IsValid() {
		address = netip.AddrPortFrom(a.identity.Private, uint16(m.Port)).String()
	}
	a.metrics.serveAt(address)
	if changes.Configuration {
		a.Log.Info("%s", a.summary())
	}
	a.say(&a.noPublic, a.identity.Private.IsValid() && !a.identity.Public.IsValid(),
		"there is no public address: serving the private one, %s", a.identity.Private)
	a.say(&a.noMetrics, m != nil && !a.identity.Private.IsValid(),
		"metrics are served on 127.0.0.1 only, because there is no private IPv4 address")
	if a.trouble != "" {
		a.status("the last good state stays; " + a.trouble)
	} else if len(a.settings.problems) > 0 {
		a.status("the last good settings are in force; the present ones have a problem: " + a.settings.problems[0])
	} else {
		a.status(a.summary())
	}
	if !a.ready {
		a.ready = true
		notify(a.Socket, "READY=1")
		return a.startScript(ctx)
	}
	return nil
}

// say logs a condition when it begins.
func (a *Agent) say(said *bool, holds bool, format string, arguments ...any) {
	if holds && !*said {
		a.Log.Info(format, arguments...)
	}
	*said = holds
}

func (a *Agent) summary() string {
	address := list(a.identity.Addresses())
	if a.identity.Public.IsValid() {
		address = a.identity.Public.String() + " (private " + a.identity.Private.String() + ")"
		if len(a.identity.IPv6) > 0 {
			address += ", " + list(a.identity.IPv6)
		}
	}
	relay := a.settings.force.settings.RelayPorts
	return fmt.Sprintf("serving %s, realm %s, relay ports %d-%d", address, a.current.Realms[0], relay.First, relay.Last)
}

func (a *Agent) writeStatus() error {
	s := Status{
		Version: a.Version, Cloud: string(a.Facts.Cloud),
		Private: a.identity.Private, Public: a.identity.Public, IPv6: a.identity.IPv6,
		Realms: a.current.Realms, Ports: a.current.Ports,
		Generated: a.settings.force.settings.AuthSecret == nil,
		Draining:  a.restart != nil, Problems: a.settings.problems,
	}
	if expiry := a.health.expiry; !expiry.IsZero() {
		s.Expiry = &expiry
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil || bytes.Equal(text, a.report) {
		return err
	}
	a.report = text
	return replace(a.Paths.Run("status.json"), text, 0o644, -1)
}

// remember reads what an agent has applied before this one since the boot. It returns nil after a boot. The secrets and
// the kernel's settings are left out, so they are written again.
func (a *Agent) remember() *State {
	text, err := os.ReadFile(a.Paths.Run("status.json"))
	var s Status
	if err != nil || json.Unmarshal(text, &s) != nil {
		return nil
	}
	read := func(path string) []byte { content, _ := os.ReadFile(path); return content }
	state := State{
		Configuration: read(a.Paths.Configuration()),
		Certificate:   read(a.Paths.Run("certificate.pem")),
		Key:           read(a.Paths.Run("key.pem")),
		Realms:        s.Realms, Ports: s.Ports, Main: metadata.Identity{Private: s.Private, IPv6: s.IPv6}.Main(), Public: s.Public,
		AuthorizedKeys: read(a.Paths.Run("authorized_keys")),
	}
	return &state
}

// startScript starts the operator's script, once at each boot and in a unit of its own: it isn't confined as the agent is.
func (a *Agent) startScript(ctx context.Context) error {
	script := a.settings.force.settings.StartupScript
	marker := a.Paths.Run("startup-script-started")
	if _, err := os.Stat(marker); err == nil || script == "" {
		return nil
	}
	if err := replace(a.Paths.State("startup-script"), []byte(script), 0o700, -1); err != nil {
		return err
	}
	if err := replace(marker, nil, 0o600, -1); err != nil {
		return err
	}
	_, err := run(ctx, nil, "", "systemctl", "--no-block", "start", "turn-startup-script.service")
	return err
}

// PrintStatus shows status.json to a person.
func PrintStatus(paths image.Paths, out io.Writer) error {
	text, err := os.ReadFile(paths.Run("status.json"))
	if os.IsNotExist(err) {
		return fmt.Errorf("coturn has not been configured since boot; see journalctl -u turn-agent")
	}
	if err != nil {
		return err
	}
	var s Status
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(paths.Run("status.json")), err)
	}
	address := func(a netip.Addr) string {
		if !a.IsValid() {
			return "none"
		}
		return a.String()
	}
	row := func(name string, value any) { fmt.Fprintf(out, "%-20s %v\n", name, value) }
	row("cloud", s.Cloud)
	row("public address", address(s.Public))
	row("private address", address(s.Private))
	row("IPv6 addresses", list(s.IPv6))
	row("realm", strings.Join(s.Realms, ", "))
	row("listening ports", list(s.Ports.Listeners))
	for _, ports := range s.Ports.Relay {
		row("relay ports", fmt.Sprintf("%d-%d", ports.First, ports.Last))
	}
	if s.Generated {
		row("secret", "generated, in "+paths.State("secret"))
	} else {
		row("secret", "from the settings")
	}
	if s.Expiry != nil {
		row("certificate until", s.Expiry.UTC().Format(time.DateTime+" UTC"))
	}
	if s.Draining {
		row("coturn", "is restarting; sessions may be draining")
	}
	for _, problem := range s.Problems {
		row("settings", problem+" (the last good settings are in force)")
	}
	return nil
}

func list[T any](items []T) string {
	if len(items) == 0 {
		return "none"
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return strings.Join(texts, ", ")
}
