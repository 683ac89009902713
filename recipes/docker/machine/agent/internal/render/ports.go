// Package render makes the texts that configure a machine: turnserver.conf, the firewall, and the kernel's port ranges.
// Its functions are pure.
package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"turn-agent/internal/settings"
)

// Ports are those of turnserver. During a change of ports there are old and new ones.
type Ports struct {
	Listeners []int
	Relay     []settings.PortRange
}

// PortsOf are the ports of a machine with these settings.
func PortsOf(s settings.Settings) Ports {
	p := Ports{Listeners: []int{s.ListeningPort}, Relay: []settings.PortRange{s.RelayPorts}}
	if s.UsesTLS() {
		p.Listeners = append(p.Listeners, s.TLSListeningPort)
		if s.TLS443 {
			p.Listeners = append(p.Listeners, 443)
		}
	}
	return p
}

// Equal tells whether both are the same.
func (p Ports) Equal(other Ports) bool {
	return slices.Equal(p.Listeners, other.Listeners) && slices.Equal(p.Relay, other.Relay)
}

// all are the listeners and the relay ports.
func (p Ports) all() string { return portList(slices.Concat(single(p.Listeners...), p.Relay)) }

func single(ports ...int) []settings.PortRange {
	ranges := make([]settings.PortRange, len(ports))
	for i, port := range ports {
		ranges[i] = settings.PortRange{First: port, Last: port}
	}
	return ranges
}

// merge sorts ranges and joins those that touch or overlap, because nft refuses overlapping ones.
func merge(ranges []settings.PortRange) []settings.PortRange {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b settings.PortRange) int { return a.First - b.First })
	var merged []settings.PortRange
	for _, r := range sorted {
		if last := len(merged) - 1; last >= 0 && r.First <= merged[last].Last+1 {
			merged[last].Last = max(merged[last].Last, r.Last)
		} else {
			merged = append(merged, r)
		}
	}
	return merged
}

func portList(ranges []settings.PortRange) string {
	var texts []string
	for _, r := range merge(ranges) {
		if r.First == r.Last {
			texts = append(texts, strconv.Itoa(r.First))
		} else {
			texts = append(texts, fmt.Sprintf("%d-%d", r.First, r.Last))
		}
	}
	return strings.Join(texts, ",")
}

// Kernel are values of ip_local_reserved_ports and ip_local_port_range: the machine's own connections use neither relay
// ports nor those of services. The firewall doesn't track relay ports, so it would drop the replies.
type Kernel struct{ Reserved, Own string }

// KernelPorts are the kernel's settings for the settings' relay range, with the ports of metrics reserved as well.
func KernelPorts(p Ports, s settings.Settings) Kernel {
	services := []int{9641, MetricsPort}
	if s.Metrics != nil {
		services = append(services, s.Metrics.Port)
	}
	own := settings.OwnPorts(s.RelayPorts)
	// The kernel logs a complaint unless one end is even and the other one odd.
	if own.First%2 == own.Last%2 {
		own.First++
	}
	return Kernel{
		Reserved: portList(slices.Concat(single(services...), single(p.Listeners...), p.Relay)),
		Own:      fmt.Sprintf("%d %d", own.First, own.Last),
	}
}

// MetricsPort is the agent's own, on the loopback address.
const MetricsPort = 9642
