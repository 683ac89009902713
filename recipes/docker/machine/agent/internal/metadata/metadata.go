// Package metadata reads the metadata services of EC2 (IMDSv2 only) and Google Compute Engine.
package metadata

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"turn-agent/internal/settings"
)

// BaseURLs are where a cloud serves metadata: an IPv4 address, and an IPv6 address for machines without IPv4.
func BaseURLs(cloud settings.Cloud) []string {
	six := "http://[fd00:ec2::254]"
	if cloud == settings.GCE {
		six = "http://[fd20:ce::254]"
	}
	return []string{"http://169.254.169.254", six}
}

// Identity is what a machine knows about itself.
type Identity struct {
	// Private is the zero address if the machine has IPv6 only.
	Private netip.Addr
	// Public is the zero address if the machine has none.
	Public   netip.Addr
	IPv6     []netip.Addr
	Hostname string
}

// Main is the private IPv4 address or, on a machine without one, the first IPv6 address.
func (i Identity) Main() netip.Addr {
	if !i.Private.IsValid() && len(i.IPv6) > 0 {
		return i.IPv6[0]
	}
	return i.Private
}

// Addresses are those that turnserver serves.
func (i Identity) Addresses() []netip.Addr {
	if !i.Private.IsValid() {
		return i.IPv6
	}
	return append([]netip.Addr{i.Private}, i.IPv6...)
}

// check refuses what no machine has. Missing is the error of the private address, if it was one.
func (i Identity) check(missing error) error {
	switch {
	case i.Private.IsValid():
		return nil
	case i.Public.IsValid():
		return fmt.Errorf("there is a public IPv4 address, %s, but no private one", i.Public)
	case len(i.IPv6) > 0:
		return nil
	case missing != nil:
		return fmt.Errorf("there is neither an IPv6 address nor a private IPv4 address: %w", missing)
	}
	return errors.New("there is neither an IPv6 address nor a private IPv4 address")
}

// Service is the metadata service of one cloud. An error means that nothing usable was answered.
type Service interface {
	// Ready reads what each machine has. No error means that the service answers as it should.
	Ready(ctx context.Context) error
	// Identity reads the machine's addresses and name.
	Identity(ctx context.Context) (Identity, error)
	// Settings reads the settings document. It is empty if the operator gave none.
	Settings(ctx context.Context) ([]byte, error)
	// SSHKeys reads the public keys with which the machine was launched.
	SSHKeys(ctx context.Context) ([]string, error)
}

// New makes the client of a cloud's service at its base URLs.
func New(cloud settings.Cloud, bases ...string) Service {
	if cloud == settings.GCE {
		return NewGoogle(bases...)
	}
	return NewAmazon(bases...)
}

// ErrAbsent means that the service works but doesn't have the item.
var ErrAbsent = errors.New("not found (404)")

// absent turns the error of a missing optional item into an empty text.
func absent(text string, err error) (string, error) {
	if errors.Is(err, ErrAbsent) {
		return "", nil
	}
	return text, err
}

// privateIPv4 reads the address that the machine's interface has. A machine with IPv6 only has none.
func privateIPv4(text string, missing error) (netip.Addr, error) {
	text, err := absent(text, missing)
	if err != nil || strings.TrimSpace(text) == "" {
		return netip.Addr{}, err
	}
	address, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil || !address.Is4() || !unicast(address) {
		return netip.Addr{}, fmt.Errorf("the private address is not an IPv4 unicast address: %s", shorten(text))
	}
	return address, nil
}

// publicIPv4 reads the address that clients reach the machine by. An empty text means that it has none.
func publicIPv4(text string) (netip.Addr, error) {
	if strings.TrimSpace(text) == "" {
		return netip.Addr{}, nil
	}
	address, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil || !address.Is4() || !unicast(address) || notPublic(address) {
		return netip.Addr{}, fmt.Errorf("the public address is not a public IPv4 address: %s", shorten(text))
	}
	return address, nil
}

// globalIPv6 reads one address a line, with or without a prefix length. Link-local ones are left out.
func globalIPv6(text string) ([]netip.Addr, error) {
	var addresses []netip.Addr
	for _, field := range strings.Fields(text) {
		plain, _, _ := strings.Cut(field, "/")
		address, err := netip.ParseAddr(plain)
		if err != nil || !address.Is6() || address.Is4In6() || address.IsMulticast() || address.IsUnspecified() || address.IsLoopback() {
			return nil, fmt.Errorf("not an IPv6 unicast address: %s", shorten(field))
		}
		if !address.IsLinkLocalUnicast() {
			addresses = append(addresses, address.WithZone(""))
		}
	}
	return addresses, nil
}

func unicast(a netip.Addr) bool {
	return !a.IsMulticast() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && a.As4()[0] != 0 && a.As4()[0] < 240
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

func notPublic(a netip.Addr) bool { return a.IsPrivate() || shared.Contains(a) }

// hostname keeps a name only if it can be a realm.
func hostname(text string) string {
	if name := strings.TrimSpace(text); settings.ValidRealm(name) {
		return name
	}
	return ""
}

// shorten quotes the beginning of an answer for a message.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
