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

// BaseURL is where both clouds serve metadata.
const BaseURL = "http://169.254.169.254"

// Identity is what a machine knows about itself.
type Identity struct {
	Private netip.Addr
	// Public is the zero address if the machine has none.
	Public   netip.Addr
	IPv6     []netip.Addr
	Hostname string
}

// Service is the metadata service of one cloud. An error means that nothing usable was answered.
type Service interface {
	// Identity reads the machine's addresses and name.
	Identity(ctx context.Context) (Identity, error)
	// Settings reads the settings document. It is empty if the operator gave none.
	Settings(ctx context.Context) ([]byte, error)
	// SSHKeys reads the public keys with which the machine was launched.
	SSHKeys(ctx context.Context) ([]string, error)
}

// New makes the client of a cloud's service.
func New(cloud settings.Cloud, baseURL string) Service {
	if cloud == settings.GCE {
		return NewGoogle(baseURL)
	}
	return NewAmazon(baseURL)
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

// privateIPv4 reads the address that the machine's interface has.
func privateIPv4(text string) (netip.Addr, error) {
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
