package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// commandTimeout bounds each program that the agent runs.
const commandTimeout = 30 * time.Second

// run starts a program, as another user if one is given, and returns its output. Secrets go through its standard input
// alone: other users see the arguments of each process.
func run(ctx context.Context, as *syscall.Credential, input string, name string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, name, arguments...)
	command.Env = append(keep("PATH", "SYSTEMD_IGNORE_CHROOT"), "LC_ALL=C", "HOME=/nonexistent")
	command.Stdin = strings.NewReader(input)
	command.WaitDelay = time.Second
	if as != nil {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	}
	var output, complaint bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaint
	err := command.Run()
	switch {
	case err == nil:
		return output.String(), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s was stopped after %s", name, commandTimeout)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && input == "" {
		return "", fmt.Errorf("%s %s: %s", name, strings.Join(arguments, " "), firstLine(complaint.String(), err.Error()))
	}
	// A program that was given secrets may quote them.
	return "", fmt.Errorf("%s: %w", name, err)
}

func firstLine(texts ...string) string {
	for _, text := range texts {
		if line, _, _ := strings.Cut(strings.TrimSpace(text), "\n"); line != "" {
			return line
		}
	}
	return ""
}
