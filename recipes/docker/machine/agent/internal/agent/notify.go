package agent

import (
	"net"
	"strings"
)

// notify tells systemd about the service's state. Without systemd it does nothing.
func notify(socket string, lines ...string) {
	if socket == "" {
		return
	}
	connection, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer connection.Close()
	_, _ = connection.Write([]byte(strings.Join(lines, "\n")))
}
