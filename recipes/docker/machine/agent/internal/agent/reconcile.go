package agent

import (
	"context"
	"strings"
	"time"

	"turn-agent/internal/render"
)

// apply brings the machine into the state that the settings in force and the metadata ask for.
func (a *Agent) apply(ctx context.Context) error {
	if a.settings.force == nil {
		return errWaiting
	}
	goal := Goal{
		Input: render.Input{
			Base: a.base, Facts: a.Facts, Paths: a.Paths, Identity: a.identity, Settings: a.settings.force.settings,
		},
		Secrets: a.settings.secrets, UID: a.Owner.UID, AuthorizedKeys: a.keys,
	}
	if a.restart != nil && a.restart.settled(ctx, a.Log, a.Now()) {
		a.restart = nil
	}
	next, missing := goal.State(nil)
	a.reportMissing(missing)
	if a.restart != nil {
		next, _ = goal.State(&a.restart.before)
		next.DrainSeconds = a.restart.deadline
	}
	changes := Plan(a.current, next, a.Facts)
	if changes.Coturn == Nothing {
		if err := a.write(ctx, changes, next); err != nil {
			return err
		}
	} else if err := a.change(ctx, goal, changes); err != nil {
		return err
	}
	if err := a.saveGood(); err != nil {
		return err
	}
	return a.announce(ctx, changes)
}

// change applies what needs a reload or a restart of coturn, unless coturn is stopped and reads all of it when it starts.
func (a *Agent) change(ctx context.Context, goal Goal, changes Changes) error {
	old, err := coturn(ctx)
	if err != nil {
		return err
	}
	next, _ := goal.State(nil)
	if changes.Coturn == Reload || old.stopped() {
		if err := a.writeFiles(ctx, changes, next); err != nil {
			return err
		}
		if !old.stopped() {
			a.Log.Info("the certificate has changed: coturn reads it again")
			if err := operate(ctx, Reload); err != nil {
				return err
			}
		}
		a.current = &next
		return nil
	}
	before := *a.current
	next, _ = goal.State(&before)
	next.DrainSeconds = changes.Deadline
	if err := a.writeFiles(ctx, Plan(a.current, next, a.Facts), next); err != nil {
		return err
	}
	a.Log.Info("the configuration has changed: coturn restarts; sessions have %d s to end", changes.Deadline)
	if err := operate(ctx, Restart); err != nil {
		return err
	}
	if a.restart != nil {
		old = a.restart.old
	}
	giveUp := a.Now().Add(time.Duration(changes.Deadline)*time.Second + startTime)
	a.restart = &restart{before: before, old: old, deadline: changes.Deadline, giveUp: giveUp}
	a.current = &next
	return nil
}

func (a *Agent) write(ctx context.Context, changes Changes, next State) error {
	if !changes.Any() {
		return nil
	}
	if err := a.writeFiles(ctx, changes, next); err != nil {
		return err
	}
	a.current = &next
	return nil
}

func (a *Agent) writeFiles(ctx context.Context, changes Changes, next State) error {
	return writer{a.Paths, a.Owner}.write(ctx, changes, next)
}

func (a *Agent) reportMissing(missing []string) {
	if text := strings.Join(missing, ", "); text != a.lackReport {
		a.lackReport = text
		if text != "" {
			a.Log.Error("this turnserver has no option %s: the settings for it have no effect", text)
		}
	}
}
