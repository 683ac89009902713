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
// again, because a changed address shortens it.
func Drain(pid int, deadlineFile string, poll time.Duration) {
	process, err := os.FindProcess(pid)
	if err != nil || process.Signal(syscall.SIGUSR1) != nil {
		return
	}
	wait(process, poll, func() time.Duration { return deadline(deadlineFile) })
}

// Stop ends the process, by force if it takes longer than the grace. systemd's own time limit is no help against a
// process that hangs: it has to be longer than the longest drain.
func Stop(pid int, poll, grace time.Duration) {
	process, err := os.FindProcess(pid)
	if err != nil || process.Signal(syscall.SIGTERM) != nil {
		return
	}
	if !wait(process, poll, func() time.Duration { return grace }) {
		_ = process.Kill()
	}
}

// wait tells whether the process has ended before the limit.
func wait(process *os.Process, poll time.Duration, limit func() time.Duration) bool {
	for begin := time.Now(); time.Since(begin) < limit(); time.Sleep(poll) {
		if process.Signal(syscall.Signal(0)) != nil {
			return true
		}
	}
	return false
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
