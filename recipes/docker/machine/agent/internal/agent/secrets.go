package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"turn-agent/internal/image"
	"turn-agent/internal/settings"
)

// Fetcher reads a secret from its store.
type Fetcher interface {
	Fetch(ctx context.Context, reference settings.Reference) (string, error)
}

// fetchTime bounds the reading of all secrets together. Polls wait for it, so a store that is silent must not delay a
// changed address.
const fetchTime = 4 * time.Second

// source is one of a document's sources with its value.
type source struct {
	name  string
	from  *settings.Source
	value string
	err   error
}

// fetch reads all sources at the same time.
func fetch(ctx context.Context, fetcher Fetcher, sources []*source) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	var group sync.WaitGroup
	for _, s := range sources {
		if s.from == nil {
			continue
		}
		if s.from.Reference == nil {
			s.value = s.from.Value
			continue
		}
		group.Add(1)
		go func() {
			defer group.Done()
			s.value, s.err = fetcher.Fetch(ctx, *s.from.Reference)
		}()
	}
	group.Wait()
	var failures []string
	for _, s := range sources {
		if s.err != nil {
			failures = append(failures, s.name+": "+s.err.Error())
		}
	}
	if len(failures) > 0 {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}

// resolve reads the values of all sources and checks them. It also returns the end of the certificate's validity.
func resolve(ctx context.Context, s settings.Settings, fetcher Fetcher, paths image.Paths, now time.Time) (Secrets, time.Time, error) {
	auth, previous := &source{name: "authSecret", from: s.AuthSecret}, &source{name: "previousAuthSecret", from: s.PreviousAuthSecret}
	certificate, key := &source{name: "certificate", from: s.Certificate}, &source{name: "privateKey", from: s.PrivateKey}
	if err := fetch(ctx, fetcher, []*source{auth, previous, certificate, key}); err != nil {
		return Secrets{}, time.Time{}, err
	}
	for _, shared := range []*source{auth, previous} {
		shared.value = settings.TrimLine(shared.value)
		if shared.from == nil {
			continue
		}
		if problem := settings.CheckSecret(shared.value); problem != "" {
			return Secrets{}, time.Time{}, fmt.Errorf("%s: the secret %s", shared.name, problem)
		}
	}
	var expiry time.Time
	if s.UsesTLS() {
		end, problem := settings.CheckPair(certificate.value, key.value, now)
		if problem != "" {
			return Secrets{}, time.Time{}, errors.New(problem)
		}
		expiry = end
	}
	secrets := Secrets{auth.value, previous.value, certificate.value, key.value}
	if s.AuthSecret == nil {
		generated, err := generatedSecret(paths.State("secret"))
		if err != nil {
			return Secrets{}, time.Time{}, err
		}
		secrets.Auth = generated
	}
	return secrets, expiry, nil
}

// generatedSecret reads the machine's own secret, and makes it at first use.
func generatedSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		secret := settings.TrimLine(string(text))
		if problem := settings.CheckSecret(secret); problem != "" {
			return "", fmt.Errorf("the secret in %s %s", path, problem)
		}
		return secret, nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	secret := hex.EncodeToString(random)
	return secret, replace(path, []byte(secret+"\n"), 0o600, -1)
}
