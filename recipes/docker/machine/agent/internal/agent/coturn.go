package agent

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const unit = "coturn.service"

// service is what systemd says about coturn.
type service struct {
	active, sub, invocation string
}

func coturn(ctx context.Context) (service, error) {
	output, err := run(ctx, nil, "", "systemctl", "show", "-p", "ActiveState", "-p", "SubState", "-p", "InvocationID", unit)
	if err != nil {
		return service{}, err
	}
	var s service
	for _, line := range strings.Split(output, "\n") {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "ActiveState":
			s.active = value
		case "SubState":
			s.sub = value
		case "InvocationID":
			s.invocation = value
		}
	}
	if s.active == "" {
		return service{}, fmt.Errorf("systemctl show %s did not report its state", unit)
	}
	return s, nil
}

// stopped tells that coturn doesn't run and reads its configuration whenever it is started.
func (s service) stopped() bool { return s.active == "inactive" }

// failing tells that the last start failed, whether or not systemd tries again.
func (s service) failing() bool { return s.active == "failed" || s.sub == "auto-restart" }

// operate queues an operation. systemd performs it in the background, because a drain can take an hour.
func operate(ctx context.Context, operation Operation) error {
	_, err := run(ctx, nil, "", "systemctl", "--no-block", string(operation), unit)
	return err
}

// lastLine is the newest line of coturn's journal.
func lastLine(ctx context.Context) string {
	output, err := run(ctx, nil, "", "journalctl", "-u", unit, "-n", "1", "-o", "cat", "--no-pager")
	if err != nil {
		return err.Error()
	}
	return firstLine(output, "(no line in the journal)")
}

// restart follows a restart that systemd performs in the background.
type restart struct {
	// before is the state of the machine that the old turnserver still needs.
	before   State
	old      service
	deadline int
	giveUp   time.Time
	reported bool
}

// startTime is how long turnserver may take to stop and to start: it shuffles the ports of its range.
const startTime = 3 * time.Minute

// settled tells whether the restart is over, and reports a failed one once.
func (r *restart) settled(ctx context.Context, log *Log, now time.Time) bool {
	current, err := coturn(ctx)
	switch {
	case err != nil:
		log.Repeated("coturn", err)
	case current.active == "active" && current.invocation != r.old.invocation:
		log.Info("coturn runs with the new configuration")
		return true
	case current.failing() && !r.reported:
		log.Error("coturn failed to start with the new configuration; its last line: %s", lastLine(ctx))
		r.reported = true
	}
	if now.After(r.giveUp) {
		log.Error("coturn has not started with the new configuration (state: %s); its last line: %s", current.active, lastLine(ctx))
		return true
	}
	return false
}
