package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"turn-agent/internal/metadata"
	"turn-agent/internal/render"
)

// errWaiting means that the reason has been reported already.
var errWaiting = errors.New("waiting")

// poll reads the metadata and applies what has changed. While the metadata service fails, everything stays as it is.
func (a *Agent) poll(ctx context.Context) error {
	err := a.readMetadata(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	a.trouble = ""
	if err != nil {
		a.Log.Repeated("metadata", err)
		a.trouble = "metadata: " + err.Error()
		if !a.ready {
			a.status(a.trouble)
			return err
		}
	} else {
		a.Log.Recovered("metadata")
		a.health.mutex.Lock()
		a.health.lastSuccess = a.Now()
		a.health.mutex.Unlock()
	}
	if err := a.chooseSettings(ctx); err != nil {
		return err
	}
	if err := a.apply(ctx); err != nil {
		a.Log.Repeated("cannot apply the configuration", err)
		a.status("cannot apply the configuration: " + err.Error())
		return err
	}
	a.Log.Recovered("cannot apply the configuration")
	return nil
}

func (a *Agent) readMetadata(ctx context.Context) error {
	identity, err := a.Metadata.Identity(ctx)
	if err != nil {
		return err
	}
	document, err := a.Metadata.Settings(ctx)
	if err != nil {
		return err
	}
	identity, err = a.present(identity)
	if err != nil {
		return err
	}
	a.identity = identity
	if !a.settings.read || string(document) != string(a.settings.document) {
		a.readDocument(document)
	}
	if a.Facts.SSH && !a.Now().Before(a.nextKeys) {
		a.readKeys(ctx)
	}
	return nil
}

// readKeys reads who may log in. Without an answer, calls matter more.
func (a *Agent) readKeys(ctx context.Context) {
	keys, err := a.Metadata.SSHKeys(ctx)
	if err != nil {
		a.Log.Repeated("SSH keys", err)
		return
	}
	a.Log.Recovered("SSH keys")
	a.keys, a.nextKeys = nil, a.Now().Add(a.Intervals.Secrets)
	for _, key := range keys {
		if !strings.ContainsAny(key, "\r\n") {
			a.keys = append(a.keys, key+"\n"...)
		}
	}
}

// present checks that the machine has the addresses: turnserver can't serve others. An IPv6 address often comes later
// than the IPv4 one.
func (a *Agent) present(id metadata.Identity) (metadata.Identity, error) {
	own, err := a.Addresses()
	if err != nil {
		return id, err
	}
	if !slices.Contains(own, id.Private) {
		return id, fmt.Errorf("no interface has the private address %s", id.Private)
	}
	assigned := len(id.IPv6)
	id.IPv6 = slices.DeleteFunc(id.IPv6, func(address netip.Addr) bool { return !slices.Contains(own, address) })
	if len(id.IPv6) < assigned && !a.ready && a.Now().Sub(a.started) < a.Intervals.IPv6 {
		return id, errors.New("no interface has the assigned IPv6 address yet")
	}
	slices.SortFunc(id.IPv6, netip.Addr.Compare)
	return id, nil
}

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
		a.Log.Error("this turnserver has no option %s: the settings for it have no effect", text)
	}
}

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

// jitter varies a delay by a tenth, so that the machines of a fleet don't ask at the same moment.
func jitter(delay time.Duration) time.Duration {
	return time.Duration(float64(delay) * (0.9 + 0.2*rand.Float64()))
}
