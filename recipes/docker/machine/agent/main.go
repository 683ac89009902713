// turn-agent configures the coturn of a machine image from the cloud that the machine runs in.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"turn-agent/internal/agent"
	"turn-agent/internal/drain"
	"turn-agent/internal/image"
	"turn-agent/internal/settings"
)

// version is set by the build: -ldflags "-X main.version=…".
var version = "unknown"

const usage = `turn-agent run                        configure coturn and follow changes (the service)
turn-agent check [--cloud aws|gce] FILE  check a settings document
turn-agent status                     show what is in force
turn-agent wait                       wait until the metadata service works (used before Google's guest agent)
turn-agent drain PID                  let turnserver's sessions end, then stop it (used by coturn.service)
turn-agent version                    show the version
`

func main() { os.Exit(command(os.Args[1:], image.Paths{}, os.Stdout, os.Stderr)) }

// command runs a subcommand and returns the exit status: 0, 1 for a failure, 2 for wrong usage.
func command(arguments []string, paths image.Paths, out, errors io.Writer) int {
	name := ""
	if len(arguments) > 0 {
		name = arguments[0]
	}
	rest := arguments[min(1, len(arguments)):]
	var err error
	switch {
	case name == "run" && len(rest) == 0:
		err = run(paths, out)
	case name == "wait" && len(rest) == 0:
		err = wait(paths, out)
	case name == "check":
		return check(rest, paths, out, errors)
	case name == "status" && len(rest) == 0:
		err = agent.PrintStatus(paths, out)
	case name == "drain" && len(rest) == 1:
		return drainProcess(rest[0], paths, errors)
	case name == "version" && len(rest) == 0:
		fmt.Fprintln(out, version)
	case name == "help" || name == "--help" || name == "-h":
		fmt.Fprint(out, usage)
	default:
		fmt.Fprint(errors, usage)
		return 2
	}
	if err != nil {
		priority := ""
		if name == "run" {
			priority = "<3>" // for the journal
		}
		fmt.Fprintf(errors, "%sturn-agent: %v\n", priority, err)
		return 1
	}
	return 0
}

func run(paths image.Paths, out io.Writer) error {
	facts, err := image.Load(paths.Facts())
	if err != nil {
		return err
	}
	owner, err := ownerOf(facts.User)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return agent.New(version, facts, paths, owner, out).Run(ctx)
}

func wait(paths image.Paths, out io.Writer) error {
	facts, err := image.Load(paths.Facts())
	if err != nil {
		return err
	}
	// systemd may stop a unit that waits, which is not a failure.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	agent.New(version, facts, paths, agent.Owner{}, out).Wait(ctx)
	return nil
}

func ownerOf(name string) (agent.Owner, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return agent.Owner{}, err
	}
	uid, err1 := strconv.Atoi(account.Uid)
	gid, err2 := strconv.Atoi(account.Gid)
	return agent.Owner{UID: uid, GID: gid}, errors.Join(err1, err2)
}

// check reports the problems of a document, one line each. The cloud is the machine's own unless it is given.
func check(arguments []string, paths image.Paths, out, errors io.Writer) int {
	var cloud settings.Cloud
	if len(arguments) == 3 && arguments[0] == "--cloud" {
		cloud, arguments = settings.Cloud(arguments[1]), arguments[2:]
	} else if facts, err := image.Load(paths.Facts()); err == nil {
		cloud = facts.Cloud
	} else if len(arguments) == 1 {
		fmt.Fprintf(errors, "turn-agent: pass --cloud aws or --cloud gce: this is not a machine image\n")
		return 2
	}
	if len(arguments) != 1 || cloud != settings.AWS && cloud != settings.GCE {
		fmt.Fprint(errors, usage)
		return 2
	}
	document, err := os.ReadFile(arguments[0])
	if err != nil {
		fmt.Fprintf(errors, "turn-agent: %v\n", err)
		return 1
	}
	_, problems := settings.Parse(document, cloud, time.Now())
	for _, problem := range problems {
		fmt.Fprintln(out, problem)
	}
	if len(problems) > 0 {
		return 1
	}
	return 0
}

// stopGrace is how long turnserver may take to end after its sessions had their time.
const stopGrace = 10 * time.Second

// drainProcess never fails: systemd goes on to stop turnserver in any case.
func drainProcess(text string, paths image.Paths, errors io.Writer) int {
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 2 {
		fmt.Fprintf(errors, "turn-agent: invalid process ID: %q\n", text)
		return 2
	}
	facts, err := image.Load(paths.Facts())
	if err != nil {
		fmt.Fprintf(errors, "turn-agent: %v\n", err)
		return 0
	}
	if facts.Drain {
		drain.Drain(pid, paths.Run("drain-seconds"), 100*time.Millisecond)
	}
	drain.Stop(pid, 100*time.Millisecond, stopGrace)
	return 0
}
