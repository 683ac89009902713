package agent

import (
	"bytes"
	"net/netip"
	"slices"

	"turn-agent/internal/image"
	"turn-agent/internal/render"
)

// State is everything that the agent sets on a machine.
type State struct {
	Configuration    []byte
	Certificate, Key []byte
	Realms, Secrets  []string
	Ports            render.Ports
	Firewall         []byte
	Kernel           render.Kernel
	DrainSeconds     int
	Main, Public     netip.Addr
	AuthorizedKeys   []byte
}

// Goal is what a state is made from.
type Goal struct {
	Input          render.Input
	Secrets        Secrets
	UID            int
	AuthorizedKeys []byte
}

// Secrets are the values of a document's sources.
type Secrets struct {
	Auth, Previous   string
	Certificate, Key string
}

// List are the shared secrets that clients may use.
func (s Secrets) List() []string {
	if s.Previous == "" || s.Previous == s.Auth {
		return []string{s.Auth}
	}
	return []string{s.Auth, s.Previous}
}

// State makes the state. While an old turnserver still drains, it includes what that one needs: its ports, and its realm
// in the database.
func (g Goal) State(draining *State) (State, []string) {
	configuration, missing := render.Configuration(g.Input)
	s, id := g.Input.Settings, g.Input.Identity
	ports, realms := render.PortsOf(s), []string{g.Input.Realm()}
	if draining != nil {
		ports = merged(ports, draining.Ports)
		realms = union(realms, draining.Realms)
	}
	return State{
		Configuration:  configuration,
		Certificate:    []byte(g.Secrets.Certificate),
		Key:            []byte(g.Secrets.Key),
		Realms:         realms,
		Secrets:        g.Secrets.List(),
		Ports:          ports,
		Firewall:       render.Firewall(ports, s, g.Input.Facts, g.UID),
		Kernel:         render.KernelPorts(ports, s),
		DrainSeconds:   s.DrainSeconds,
		Main:           id.Main(),
		Public:         id.Public,
		AuthorizedKeys: g.AuthorizedKeys,
	}, missing
}

func merged(a, b render.Ports) render.Ports {
	if a.Equal(b) {
		return a
	}
	return render.Ports{Listeners: union(a.Listeners, b.Listeners), Relay: union(a.Relay, b.Relay)}
}

func union[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, item := range b {
		if !slices.Contains(all, item) {
			all = append(all, item)
		}
	}
	return all
}

// Operation is what coturn has to do for a change.
type Operation string

// The operations.
const (
	Nothing Operation = ""
	Reload  Operation = "reload"
	Restart Operation = "restart"
)

// Changes say which parts of the machine's state differ.
type Changes struct {
	Configuration, Certificate, Database, Firewall, Kernel, Drain, Keys bool

	Coturn Operation
	// Deadline is how many seconds sessions have to end before a restart.
	Deadline int
}

// Any tells whether something has to be done.
func (c Changes) Any() bool { return c != Changes{Deadline: c.Deadline} }

// movedSeconds is the deadline when an address has changed: the old sessions are cut off already, and clients wait.
const movedSeconds = 5

// Plan compares two states. Without an old one, everything is written, and coturn starts later by itself.
func Plan(old *State, goal State, facts image.Facts) Changes {
	if old == nil {
		return Changes{true, true, true, true, true, true, true, Nothing, 0}
	}
	c := Changes{
		Configuration: !bytes.Equal(old.Configuration, goal.Configuration),
		Certificate:   !bytes.Equal(old.Certificate, goal.Certificate) || !bytes.Equal(old.Key, goal.Key),
		Database:      !slices.Equal(old.Realms, goal.Realms) || !slices.Equal(old.Secrets, goal.Secrets),
		Firewall:      !bytes.Equal(old.Firewall, goal.Firewall),
		Kernel:        old.Kernel != goal.Kernel,
		Drain:         old.DrainSeconds != goal.DrainSeconds,
		Keys:          !bytes.Equal(old.AuthorizedKeys, goal.AuthorizedKeys),
		Deadline:      goal.DrainSeconds,
	}
	switch {
	case c.Configuration || c.Certificate && !facts.Reload:
		c.Coturn = Restart
	case c.Certificate:
		c.Coturn = Reload
	}
	if old.Main != goal.Main || old.Public != goal.Public {
		c.Deadline = min(movedSeconds, goal.DrainSeconds)
	}
	return c
}
