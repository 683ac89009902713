package settings

import (
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

// closed lists what allowedPeers must not open: the machine itself, its link, and the clouds' metadata services.
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

func (r *reader) peers(path string, value any) []PeerRange {
	var ranges []PeerRange
	for i, entry := range r.list(path, value) {
		if peers, ok := r.peer(item(path, i), entry); ok {
			ranges = append(ranges, peers)
		}
	}
	return ranges
}

func (r *reader) peer(path string, value any) (PeerRange, bool) {
	text, ok := value.(string)
	if !ok {
		r.report(path, "must be a string")
		return PeerRange{}, false
	}
	if network, err := netip.ParsePrefix(text); err == nil {
		whole := PeerRange{network.Masked().Addr(), lastAddress(network)}
		r.wrong(path, text, "turnserver takes ranges, not prefixes; write %s", quote(whole.String()))
		return PeerRange{}, false
	}
	firstText, lastText, isRange := strings.Cut(text, "-")
	if !isRange {
		lastText = firstText
	}
	first, err1 := netip.ParseAddr(firstText)
	last, err2 := netip.ParseAddr(lastText)
	switch {
	case err1 != nil || err2 != nil || first.Zone() != "" || last.Zone() != "":
		r.wrong(path, text, "must be an address or FIRST-LAST")
	case first.Is4In6() || last.Is4In6():
		r.wrong(path, text, "write the IPv4 address without ::ffff:")
	case first.Is4() != last.Is4():
		r.wrong(path, text, "the first and the last address are of different families")
	case first.Compare(last) > 0:
		r.wrong(path, text, "the first address is greater than the last")
	case first == netip.IPv6Unspecified():
		// Older versions read "::" as "no lower bound" and then match all of IPv4.
		r.wrong(path, text, "must not begin at ::")
	default:
		return PeerRange{first, last}, true
	}
	return PeerRange{}, false
}

// forbidden reports allowed peers that would open what must stay closed: turnserver lets allowed peers override denied
// ones.
func (r *reader) forbidden(path string, ranges []PeerRange) {
	for _, peers := range ranges {
		for _, network := range closed {
			if peers.overlaps(network) {
				r.wrong(path, peers.String(), "must not include addresses of %s", network)
				break
			}
		}
	}
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
		case network != network.Masked():
			r.wrong(item(path, i), text, "has bits beyond the prefix; write %s", quote(network.Masked().String()))
		case onlyIPv4 && !network.Addr().Is4():
			r.wrong(item(path, i), text, "must be an IPv4 network, because metrics are served on the private IPv4 address")
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
