package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"turn-agent/internal/metadata"
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
	if !a.settings.read || string(document) != string(a.settings.document) || a.outdated() {
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
	if id.Private.IsValid() && !slices.Contains(own, id.Private) {
		return id, fmt.Errorf("no interface has the private address %s", id.Private)
	}
	if before := a.current; !id.Private.IsValid() && before != nil && before.Main.Is4() && slices.Contains(own, before.Main) {
		return id, fmt.Errorf("the metadata has no private address, but an interface still has %s", before.Main)
	}
	assigned := len(id.IPv6)
	id.IPv6 = slices.DeleteFunc(id.IPv6, func(address netip.Addr) bool { return !slices.Contains(own, address) })
	if len(id.IPv6) < assigned && !a.ready {
		if a.lacksIPv6.IsZero() {
			a.lacksIPv6 = a.Now()
		}
		if a.Now().Sub(a.lacksIPv6) < a.Intervals.IPv6 {
			return id, errors.New("no interface has the assigned IPv6 address yet")
		}
	}
	slices.SortFunc(id.IPv6, netip.Addr.Compare)
	if !id.Main().IsValid() {
		return id, errors.New("no interface has an assigned IPv6 address, and there is no private IPv4 address")
	}
	return id, nil
}

// jitter varies a delay by a tenth, so that the machines of a fleet don't ask at the same moment.
func jitter(delay time.Duration) time.Duration {
	return time.Duration(float64(delay) * (0.9 + 0.2*rand.Float64()))
}
