package settings

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// PeerRange is a range of peer addresses. A single address has First == Last.
type PeerRange struct{ First, Last netip.Addr }

// String is the form that turnserver.conf takes.
func (p PeerRange) String() string {
	if p.First == p.Last {
		return p.First.String()
	}
	return p.First.String() + "-" + p.Last.String()
}

func (p PeerRange) overlaps(network netip.Prefix) bool {
	first, last := network.Addr(), lastAddress(network)
	return p.First.Is4() == first.Is4() && p.First.Compare(last) <= 0 && first.Compare(p.Last) <= 0
}

// problem is what is wrong with a range of these addresses, or "".
func (p PeerRange) problem() string {
	switch {
	case p.First.Is4In6() || p.Last.Is4In6():
		return "write the IPv4 address without ::ffff:"
	case p.First.Is4() != p.Last.Is4():
		return "the first and the last address are of different families"
	case p.First.Compare(p.Last) > 0:
		return "the first address is greater than the last"
	case p.First == netip.IPv6Unspecified():
		// Older versions read "::" as "no lower bound" and then match all of IPv4.
		return "must not begin at ::"
	}
	return ""
}

// closedProblem says which of these networks the range overlaps, or "".
func (p PeerRange) closedProblem(networks []netip.Prefix) string {
	for _, network := range networks {
		if p.overlaps(network) {
			return fmt.Sprintf("must not include addresses of %s", network)
		}
	}
	return ""
}

// rangeOf is the range of a prefix: IPv4 addresses for a prefix of IPv4-mapped ones.
func rangeOf(network netip.Prefix) PeerRange {
	whole := PeerRange{network.Masked().Addr(), lastAddress(network)}
	if whole.First.Is4In6() && whole.Last.Is4In6() {
		return PeerRange{whole.First.Unmap(), whole.Last.Unmap()}
	}
	return whole
}

// closed lists what allowedPeers must not open, because turnserver lets them override denied ones: the machine itself,
// its link, and the clouds' metadata services.
var closed = prefixes(
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
	"::/8", "fe80::/10", "ff00::/8", "fd00:ec2::254/128", "fd20:ce::254/128",
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func (r *reader) list(path string, value any) []any {
	list, ok := value.([]any)
	if !ok {
		r.report(path, "must be a list of strings")
	}
	return list
}

func item(path string, index int) string { return path + "[" + strconv.Itoa(index) + "]" }

// peers reads a list of ranges, which must be outside the closed networks.
func (r *reader) peers(path string, value any, closed []netip.Prefix) []PeerRange {
	var ranges []PeerRange
	for i, entry := range r.list(path, value) {
		if peers, ok := r.peer(item(path, i), entry, closed); ok {
			ranges = append(ranges, peers)
		}
	}
	for _, peers := range ranges {
		if problem := peers.closedProblem(closed); problem != "" {
			r.wrong(path, peers.String(), "%s", problem)
		}
	}
	return ranges
}

func (r *reader) peer(path string, value any, closed []netip.Prefix) (PeerRange, bool) {
	text, ok := value.(string)
	if !ok {
		r.report(path, "must be a string")
		return PeerRange{}, false
	}
	if network, err := netip.ParsePrefix(text); err == nil {
		whole := rangeOf(network)
		// The range that the message suggests must be acceptable itself.
		problem := cmp.Or(whole.problem(), whole.closedProblem(closed),
			"turnserver takes ranges, not prefixes; write "+quote(whole.String()))
		r.wrong(path, text, "%s", problem)
		return PeerRange{}, false
	}
	firstText, lastText, isRange := strings.Cut(text, "-")
	if !isRange {
		lastText = firstText
	}
	first, err1 := netip.ParseAddr(firstText)
	last, err2 := netip.ParseAddr(lastText)
	if err1 != nil || err2 != nil || first.Zone() != "" || last.Zone() != "" {
		r.wrong(path, text, "must be an address or FIRST-LAST")
		return PeerRange{}, false
	}
	peers := PeerRange{first, last}
	if problem := peers.problem(); problem != "" {
		r.wrong(path, text, "%s", problem)
		return PeerRange{}, false
	}
	return peers, true
}

// networks reads a list of prefixes in CIDR notation.
func (r *reader) networks(path string, value any, onlyIPv4 bool) []netip.Prefix {
	var networks []netip.Prefix
	list := r.list(path, value)
	if list != nil && len(list) == 0 {
		r.report(path, "must have at least one network")
	}
	for i, entry := range list {
		text, ok := entry.(string)
		network, err := netip.ParsePrefix(text)
		switch {
		case !ok:
			r.report(item(path, i), `must be a network such as "10.0.0.0/8", not %s`, kind(entry))
		case err != nil || network.Addr().Is4In6():
			r.wrong(item(path, i), text, `must be a network such as "10.0.0.0/8"`)
		case onlyIPv4 && !network.Addr().Is4():
			r.wrong(item(path, i), text, "must be an IPv4 network, because metrics are served on the private IPv4 address")
		case network != network.Masked():
			r.wrong(item(path, i), text, "has bits beyond the prefix; write %s", quote(network.Masked().String()))
		default:
			networks = append(networks, network)
		}
	}
	return networks
}

func lastAddress(network netip.Prefix) netip.Addr {
	bytes := network.Masked().Addr().AsSlice()
	for bit := network.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
