package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"turn-agent/internal/image"
	"turn-agent/internal/settings"
)

// Firewall makes the rules for nft. The file replaces the table in one transaction.
//
// TURN traffic isn't tracked, because a relay's flows would fill the table of connections. So its rules are stateless,
// and ICMP errors that belong to it have no state either. TCP connections to relay ports are tracked: there is no relay
// over TCP, and turnserver's own metrics may have a port of that range on the loopback address.
func Firewall(p Ports, s settings.Settings, facts image.Facts, uid int) []byte {
	var ssh, metrics string
	if facts.SSH {
		ssh = from(s.SSHFrom, 22)
	}
	if s.Metrics != nil {
		metrics = from(s.Metrics.From, s.Metrics.Port)
	}
	return []byte(strings.NewReplacer(
		"TURN_PORTS", braces(p.all()),
		"LISTENERS", braces(portList(single(p.Listeners...))),

		"USER", fmt.Sprint(uid),
		"SSH\n", ssh,
		"METRICS\n", metrics,
	).Replace(rules))
}

func braces(list string) string { return "{ " + strings.ReplaceAll(list, ",", ", ") + " }" }

// from makes one rule for each address family.
func from(networks []netip.Prefix, port int) string {
	var text strings.Builder
	for _, family := range []struct {
		name string
		is4  bool
	}{{"ip", true}, {"ip6", false}} {
		var list []string
		for _, network := range widest(networks) {
			if network.Addr().Is4() == family.is4 {
				list = append(list, network.String())
			}
		}
		if len(list) > 0 {
			fmt.Fprintf(&text, "\t\t%s saddr { %s } tcp dport %d accept\n", family.name, strings.Join(list, ", "), port)
		}
	}
	return text.String()
}

// widest leaves out networks within others, because nft refuses overlapping ones.
func widest(networks []netip.Prefix) []netip.Prefix {
	sorted := slices.Clone(networks)
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		if a.Bits() != b.Bits() {
			return a.Bits() - b.Bits()
		}
		return a.Addr().Compare(b.Addr())
	})
	var kept []netip.Prefix
	for _, network := range sorted {
		if !slices.ContainsFunc(kept, network.Overlaps) {
			kept = append(kept, network)
		}
	}
	return kept
}

// rules name the metadata services of EC2 (both families) and Google: turnserver never reaches them, whatever its
// configuration says. Over the loopback interface, which also carries traffic to the machine's other addresses, clients
// could use the relay to reach local services: from turnserver only its own ports are open there, and replies. Its
// listeners have no loopback address, but the DNS resolver has one and the port may be the same.
const rules = `table inet turn
delete table inet turn
table inet turn {
	chain untracked_input {
		type filter hook prerouting priority raw; policy accept;
		udp dport TURN_PORTS notrack
		tcp dport LISTENERS notrack
	}
	chain untracked_output {
		type filter hook output priority raw; policy accept;
		udp sport TURN_PORTS notrack
		tcp sport LISTENERS notrack
	}
	chain input {
		type filter hook input priority filter; policy drop;
		udp dport TURN_PORTS accept
		iifname "lo" accept
		ct state established,related accept
		tcp dport LISTENERS accept
		icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept
		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request } accept
		icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept
		udp sport 67 udp dport 68 accept
		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
SSH
METRICS
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy accept;
		meta skuid USER ip daddr 169.254.0.0/16 drop
		meta skuid USER ip6 daddr { fd00:ec2::254, fd20:ce::254 } drop
		meta skuid USER oifname "lo" jump turnserver_loopback
	}
	chain turnserver_loopback {
		ip daddr 127.0.0.0/8 meta l4proto udp drop
		udp dport TURN_PORTS accept
		tcp dport LISTENERS accept
		udp sport LISTENERS accept
		tcp sport LISTENERS accept
		ct state established,related accept
		drop
	}
}
`
