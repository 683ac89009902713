// Package drain stops turnserver without cutting off its sessions.
package drain

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// defaultSeconds counts if the agent has not written a deadline.
const defaultSeconds = 60

// Drain asks the process to drain and waits until it has ended or the deadline is over. The deadline is read again and
// again, because a changed address shortens it. systemd then stops what is left.
func Drain(pid int, deadlineFile string, poll time.Duration) {
	process, err := os.FindProcess(pid)
	if err != nil || process.Signal(syscall.SIGUSR1) != nil {
		return
	}
	for begin := time.Now(); time.Since(begin) < deadline(deadlineFile); time.Sleep(poll) {
		if process.Signal(syscall.Signal(0)) != nil {
			return
		}
	}
}

func deadline(file string) time.Duration {
	text, err := os.ReadFile(file)
	if err != nil {
		return defaultSeconds * time.Second
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || seconds < 0 {
		return defaultSeconds * time.Second
	}
	return time.Duration(seconds) * time.Second
}
