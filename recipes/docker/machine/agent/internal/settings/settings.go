// Package settings reads the settings document that an operator gives a machine: its user data on EC2, the attribute
// turn-settings on Google Compute Engine. It reports every problem of a document at once and never shows a secret.
package settings

import (
	"net/netip"
)

// MaxBytes is the size limit of a document, which is that of EC2's user data.
const MaxBytes = 16384

// Cloud names the provider of a machine.
type Cloud string

// The clouds that machines run in.
const (
	AWS Cloud = "aws"
	GCE Cloud = "gce"
)

// Settings is a valid document with its defaults filled in.
type Settings struct {
	// Realm is empty if the machine's host name or address should be used.
	Realm                 string
	AuthSecret            *Source
	PreviousAuthSecret    *Source
	Certificate           *Source
	PrivateKey            *Source
	ListeningPort         int
	TLSListeningPort      int
	TLS443                bool
	RelayPorts            PortRange
	UserQuota, TotalQuota int64
	MaxBps, BpsCapacity   int64
	AllowedPeers          []PeerRange
	DeniedPeers           []PeerRange
	Metrics               *Metrics
	// SSHFrom are the networks that may reach port 22. It is closed without any.
	SSHFrom       []netip.Prefix
	DrainSeconds  int
	StartupScript string
}

// Metrics says who may scrape the machine, and on which port of its private IPv4 address.
type Metrics struct {
	From []netip.Prefix
	Port int
}

// Source is a value, or a reference to a secret that holds it.
type Source struct {
	Value     string
	Reference *Reference
}

// PortRange includes both ends.
type PortRange struct{ First, Last int }

// Contains tells whether the range includes the port.
func (r PortRange) Contains(port int) bool { return r.First <= port && port <= r.Last }

// Size is the number of ports.
func (r PortRange) Size() int { return r.Last - r.First + 1 }

// UsesTLS tells whether the document has a certificate.
func (s Settings) UsesTLS() bool { return s.Certificate != nil }

// Defaults are the settings of a machine without a document.
func Defaults(cloud Cloud) Settings {
	s := Settings{
		ListeningPort:    3478,
		TLSListeningPort: 5349,
		RelayPorts:       PortRange{10000, 65534},
		DrainSeconds:     60,
	}
	if cloud == GCE {
		// Google's Identity-Aware Proxy forwards TCP from this range only.
		s.SSHFrom = []netip.Prefix{netip.MustParsePrefix("35.235.240.0/20")}
	}
	return s
}
