package agent

import (
	"bytes"
	"context"
	"os"
	"slices"

	"turn-agent/internal/settings"
)

// readDocument checks a new document and reports all of its problems.
func (a *Agent) readDocument(text []byte) {
	c := &a.settings
	c.read, c.document, c.candidate = true, text, nil
	parsed, problems := settings.Parse(text, a.Facts.Cloud, a.Now())
	c.problems = problems
	a.setValid(len(problems) == 0)
	for _, problem := range problems {
		a.Log.Error("settings: %s", problem)
	}
	if len(problems) == 0 {
		c.candidate, c.fresh = &document{text, parsed}, true
	}
	if c.force != nil && len(problems) > 0 {
		a.Log.Error("settings: the last good settings stay in force")
	}
	if c.force == nil {
		a.recall()
	}
}

// outdated tells that the problems of the document have changed with the time: a certificate has become valid, or expired.
func (a *Agent) outdated() bool {
	c := &a.settings
	if len(c.problems) == 0 {
		return false
	}
	_, problems := settings.Parse(c.document, a.Facts.Cloud, a.Now())
	return !slices.Equal(problems, c.problems)
}

// recall takes the last good settings of an earlier boot, in case the present ones can't be used.
func (a *Agent) recall() {
	c := &a.settings
	text, err := os.ReadFile(a.Paths.State("settings.json"))
	if err != nil {
		if c.candidate == nil {
			a.Log.Error("settings: there are no earlier good settings, so coturn does not start")
		}
		return
	}
	parsed, problems := settings.Parse(text, a.Facts.Cloud, a.Now())
	switch {
	case len(problems) == 0 && (c.candidate == nil || !bytes.Equal(text, c.candidate.text)):
		c.earlier = &document{text, parsed}
	case len(problems) > 0 && c.candidate == nil:
		a.Log.Error("settings: the earlier settings are no longer valid (%s), so coturn does not start", problems[0])
	}
}

// chooseSettings puts a valid document in force as soon as all of its secrets can be read, and reads the secrets of the
// one in force again from time to time.
func (a *Agent) chooseSettings(ctx context.Context) error {
	c := &a.settings
	if a.ready && (a.moved() || a.Now().Before(c.next) && !(c.candidate != nil && c.fresh)) {
		return nil
	}
	c.fresh = false
	c.next = a.Now().Add(jitter(a.Intervals.Secrets))
	complete := true
	for _, option := range []*document{c.candidate, c.force, c.earlier} {
		if option == nil || option == c.earlier && c.candidate != nil && a.Now().Sub(a.started) < a.Intervals.Patience {
			continue
		}
		secrets, expiry, err := resolve(ctx, option.settings, a.Fetcher, a.Paths, a.Now())
		if err != nil {
			a.Log.Repeated("settings", err)
			a.status("settings: " + err.Error())
			complete = false
			continue
		}
		if complete {
			a.Log.Recovered("settings")
		}
		if option == c.earlier {
			a.Log.Error("settings: the last good settings stay in force")
		}
		c.take(option, secrets)
		a.health.mutex.Lock()
		a.health.expiry, a.health.relayPorts = expiry, option.settings.RelayPorts.Size()
		a.health.mutex.Unlock()
		return nil
	}
	if c.force != nil {
		return nil
	}
	if len(c.problems) > 0 {
		a.status("settings: " + c.problems[0])
	}
	return errWaiting
}

// moved tells whether an address has changed, which is applied before stores are asked: they may be slow.
func (a *Agent) moved() bool {
	return a.current != nil && (a.current.Main != a.identity.Main() || a.current.Public != a.identity.Public)
}

func (c *choice) take(option *document, secrets Secrets) {
	if option == c.candidate {
		c.candidate = nil
	}
	c.force, c.secrets, c.earlier = option, secrets, nil
}

// saveGood keeps the document in force for the next boot, once it has been applied.
func (a *Agent) saveGood() error {
	return replaceIfChanged(a.Paths.State("settings.json"), a.settings.force.text, 0o600, -1)
}

func (a *Agent) setValid(valid bool) {
	a.health.mutex.Lock()
	defer a.health.mutex.Unlock()
	a.health.valid = valid
}
