package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"turn-agent/internal/image"
	"turn-agent/internal/settings"
)

// Fetcher reads a secret from its store.
type Fetcher interface {
	Fetch(ctx context.Context, reference settings.Reference) (string, error)
}

// resolve reads the values of all sources and checks them. It also returns the end of the certificate's validity.
func resolve(ctx context.Context, s settings.Settings, fetcher Fetcher, paths image.Paths, now time.Time) (Secrets, time.Time, error) {
	var secrets Secrets
	var problems []string
	read := func(name string, source *settings.Source) string {
		if source == nil {
			return ""
		}
		if source.Reference == nil {
			return source.Value
		}
		value, err := fetcher.Fetch(ctx, *source.Reference)
		if err != nil {
			problems = append(problems, name+": "+err.Error())
		}
		return value
	}
	shared := func(name string, source *settings.Source) string {
		value := settings.TrimLine(read(name, source))
		if source != nil && len(problems) == 0 {
			if problem := settings.CheckSecret(value); problem != "" {
				problems = append(problems, name+": the secret "+problem)
			}
		}
		return value
	}
	secrets.Auth = shared("authSecret", s.AuthSecret)
	secrets.Previous = shared("previousAuthSecret", s.PreviousAuthSecret)
	secrets.Certificate = read("certificate", s.Certificate)
	secrets.Key = read("privateKey", s.PrivateKey)
	var expiry time.Time
	if s.UsesTLS() && len(problems) == 0 {
		end, problem := settings.CheckPair(secrets.Certificate, secrets.Key, now)
		if problem != "" {
			problems = append(problems, problem)
		}
		expiry = end
	}
	if len(problems) > 0 {
		return Secrets{}, time.Time{}, errors.New(strings.Join(problems, "; "))
	}
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
