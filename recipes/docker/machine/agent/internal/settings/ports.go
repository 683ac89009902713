package settings

import (
	"regexp"
	"strconv"
)

// Bounds of the relay range. It excludes 65535, because some versions of coturn assign that port twice when the range
// is exhausted, and leaves a block for the machine's own connections: replies to these would be dropped in the relay
// range, which is not tracked.
const (
	lowestRelayPort  = 1024
	highestRelayPort = 65534
	ownPorts         = 512
)

var rangeText = regexp.MustCompile(`^(\d{1,5})-(\d{1,5})$`)

func (r *reader) port(path string, value any) int {
	return int(r.integer(path, value, 1, 65535))
}

func (r *reader) portRange(path string, value any) PortRange {
	text, ok := value.(string)
	if !ok {
		r.report(path, `must be a string such as "10000-65534"`)
		return PortRange{}
	}
	match := rangeText.FindStringSubmatch(text)
	if match == nil {
		r.wrong(path, text, `must have the form FIRST-LAST, such as "10000-65534"`)
		return PortRange{}
	}
	first, _ := strconv.Atoi(match[1])
	last, _ := strconv.Atoi(match[2])
	ports := PortRange{first, last}
	switch {
	case first > last:
		r.wrong(path, text, "the first port is greater than the last")
	case first < lowestRelayPort || last > highestRelayPort:
		r.wrong(path, text, "must lie within %d-%d", lowestRelayPort, highestRelayPort)
	case OwnPorts(ports).Size() < ownPorts:
		r.wrong(path, text, "leaves fewer than %d ports for the machine's own connections; begin at %d",
			ownPorts, lowestRelayPort+ownPorts)
	}
	return ports
}

// OwnPorts is the larger block of unprivileged ports beside the relay range, for the machine's own connections.
func OwnPorts(relay PortRange) PortRange {
	below, above := PortRange{lowestRelayPort, relay.First - 1}, PortRange{relay.Last + 1, 65535}
	if below.Size() >= above.Size() {
		return below
	}
	return above
}

// together checks what concerns more than one setting.
func (r *reader) together(s *Settings) {
	r.pair(s)
	if s.BpsCapacity > 0 && s.MaxBps == 0 {
		r.report("bpsCapacity", "needs maxBps, without which turnserver does not start")
	} else if s.BpsCapacity > 0 && s.MaxBps > s.BpsCapacity {
		r.report("bpsCapacity", "%d: is less than maxBps, which turnserver reserves for each allocation", s.BpsCapacity)
	}
	r.collisions(s)
}

func (r *reader) collisions(s *Settings) {
	type use struct {
		path string
		port int
	}
	// turnserver would get the answers to the machine's DHCP clients. The other services of the machine have addresses of
	// their own: the DNS resolver, turnserver's metrics and the agent's are on the loopback interface.
	uses := []use{
		{"SSH", 22}, {"the DHCP client", 68}, {"the DHCPv6 client", 546},
		{"listeningPort", s.ListeningPort}, {"tlsListeningPort", s.TLSListeningPort},
	}
	if s.TLS443 {
		uses = append(uses, use{"tls443", 443})
	}
	if s.Metrics != nil {
		uses = append(uses, use{"metrics.port", s.Metrics.Port})
	}
	for i, later := range uses {
		for _, earlier := range uses[:i] {
			if later.port == earlier.port {
				r.report(later.path, "port %d is also used by %s", later.port, earlier.path)
			}
		}
		if s.RelayPorts.Contains(later.port) {
			r.report("relayPorts", "contains port %d, which is used by %s", later.port, later.path)
		}
	}
}
