package agent

import (
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// interfaceAddresses lists the IPv4 addresses of all interfaces, and the IPv6 addresses that can be used already.
func interfaceAddresses(interfaces6 string) ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	usable := usableIPv6(interfaces6)
	var addresses []netip.Addr
	for _, address := range list {
		prefix, err := netip.ParsePrefix(address.String())
		if err == nil && (prefix.Addr().Is4() || slices.Contains(usable, prefix.Addr())) {
			addresses = append(addresses, prefix.Addr())
		}
	}
	return addresses, nil
}

// Flags of the kernel's list: an address that is still checked for duplicates, or that is one, can't be bound.
const (
	tentative = 0x40
	failed    = 0x08
)

// usableIPv6 reads the kernel's list, if it has IPv6 at all. Each line has the address, the interface's number, the
// prefix length, the scope, the flags and the interface's name.
func usableIPv6(path string) []netip.Addr {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var addresses []netip.Addr
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			continue
		}
		bytes, err := hex.DecodeString(fields[0])
		flags, err2 := strconv.ParseUint(fields[4], 16, 16)
		if address, ok := netip.AddrFromSlice(bytes); ok && err == nil && err2 == nil && flags&(tentative|failed) == 0 {
			addresses = append(addresses, address)
		}
	}
	return addresses
}
