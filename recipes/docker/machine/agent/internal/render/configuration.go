package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"turn-agent/internal/image"
	"turn-agent/internal/metadata"
	"turn-agent/internal/settings"
)

// managed are the options that the agent decides on. Their lines in the package's configuration are left out.
var managed = []string{
	"listening-ip", "relay-ip", "external-ip", "allocation-default-address-family", "realm",
	"listening-port", "tls-listening-port", "aux-server", "min-port", "max-port",
	"lt-cred-mech", "use-auth-secret", "static-auth-secret", "user", "userdb", "user-quota", "total-quota", "max-bps", "bps-capacity",
	"cert", "pkey", "pkey-pwd", "dtls", "no-tls", "no-dtls", "no-auth",
}

// Input is what turnserver.conf is made from.
type Input struct {
	Base     []byte
	Facts    image.Facts
	Paths    image.Paths
	Identity metadata.Identity
	Settings settings.Settings
}

// Realm is the settings' own, or else the machine's name or address.
func (in Input) Realm() string {
	switch {
	case in.Settings.Realm != "":
		return in.Settings.Realm
	case in.Identity.Hostname != "":
		return in.Identity.Hostname
	case in.Identity.Public.IsValid():
		return in.Identity.Public.String()
	}
	return in.Identity.Main().String()
}

// Configuration makes turnserver.conf: the package's own, then a block of managed options. It has no secret. Missing are
// options that this turnserver doesn't have: it would only warn about them and ignore them.
func Configuration(in Input) (text []byte, missing []string) {
	b := &block{facts: in.Facts}
	s, id := in.Settings, in.Identity
	addresses := id.Addresses()
	for _, address := range addresses {
		b.line("listening-ip", address.String())
	}
	for _, address := range addresses {
		b.line("relay-ip", address.String())
	}
	if id.Public.IsValid() {
		b.line("external-ip", id.Public.String()+"/"+id.Private.String())
	}
	if !id.Private.IsValid() {
		// Clients that don't ask for a family get IPv4 otherwise, which this machine refuses with 440.
		b.line("allocation-default-address-family", "ipv6")
	}
	b.line("realm", in.Realm())
	b.number("listening-port", int64(s.ListeningPort))
	b.tls(in, addresses)
	b.number("min-port", int64(s.RelayPorts.First))
	b.number("max-port", int64(s.RelayPorts.Last))
	// The secrets themselves are in the database, which turnserver reads for each request. This option implies
	// lt-cred-mech; with both, turnserver logs a warning.
	b.flag("use-auth-secret")
	b.line("userdb", in.Paths.Database())
	b.quota("user-quota", s.UserQuota)
	b.quota("total-quota", s.TotalQuota)
	b.quota("max-bps", s.MaxBps)
	b.quota("bps-capacity", s.BpsCapacity)
	for _, peers := range s.DeniedPeers {
		b.line("denied-peer-ip", peers.String())
	}
	for _, peers := range s.AllowedPeers {
		b.line("allowed-peer-ip", peers.String())
	}
	header := "\n## Managed by turn-agent: changes below are overwritten ----------------------------------------------------------\n\n"
	return []byte(withoutManaged(in.Base) + header + b.text.String()), b.missing
}

func (b *block) tls(in Input, addresses []netip.Addr) {
	if !in.Settings.UsesTLS() {
		b.optional("no-tls")
		// From 4.17 on, DTLS is off unless "dtls" turns it on, and "no-dtls" is deprecated.
		if !b.facts.Has("dtls") {
			b.optional("no-dtls")
		}
		return
	}
	b.number("tls-listening-port", int64(in.Settings.TLSListeningPort))
	if in.Settings.TLS443 {
		// An auxiliary listener serves the same protocols as the main ones, so both ports work without redirection.
		for _, address := range addresses {
			b.line("aux-server", netip.AddrPortFrom(address, 443).String())
		}
	}
	b.line("cert", in.Paths.Run("certificate.pem"))
	b.line("pkey", in.Paths.Run("key.pem"))
	b.optional("dtls")
}

// block collects the lines of options.
type block struct {
	facts   image.Facts
	text    strings.Builder
	missing []string
}

func (b *block) write(option, line string) {
	if b.facts.Has(option) {
		fmt.Fprintln(&b.text, line)
	} else if !slices.Contains(b.missing, option) {
		b.missing = append(b.missing, option)
	}
}

func (b *block) line(option, value string) { b.write(option, option+"="+value) }

func (b *block) number(option string, value int64) { b.line(option, strconv.FormatInt(value, 10)) }

// quota leaves out 0, which means "no limit" and is turnserver's default.
func (b *block) quota(option string, value int64) {
	if value > 0 {
		b.number(option, value)
	}
}

func (b *block) flag(option string) { b.write(option, option) }

func (b *block) optional(option string) {
	if b.facts.Has(option) {
		b.flag(option)
	}
}

// withoutManaged drops the lines of managed options by turnserver's own grammar: leading blanks are ignored, and the
// name ends at a blank or "=".
func withoutManaged(base []byte) string {
	var text strings.Builder
	for _, line := range strings.SplitAfter(string(base), "\n") {
		name := strings.TrimLeft(line, " \t-")
		if end := strings.IndexAny(name, " \t=\r\n"); end >= 0 {
			name = name[:end]
		}
		if !slices.Contains(managed, name) {
			text.WriteString(line)
		}
	}
	return strings.TrimRight(text.String(), "\n") + "\n"
}
