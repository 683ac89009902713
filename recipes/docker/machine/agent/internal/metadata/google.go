package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// Google is the metadata server of Google Compute Engine. The header Metadata-Flavor proves both sides: a request
// without it is refused, and an answer without it comes from something else.
type Google struct{ client client }

// NewGoogle makes a client of the server at its base URLs.
func NewGoogle(bases ...string) *Google { return &Google{client: newClient(bases)} }

const (
	flavor = "Metadata-Flavor"
	root   = "/computeMetadata/v1/"
	nic    = "instance/network-interfaces/0/"
)

var instanceID = regexp.MustCompile(`^[0-9]+$`)

// Ready reads the instance's number, which each machine has.
func (g *Google) Ready(ctx context.Context) error {
	text, err := g.get(ctx, "instance/id")
	if err == nil && !instanceID.MatchString(strings.TrimSpace(text)) {
		err = fmt.Errorf("not the number of an instance: %s", shorten(text))
	}
	return err
}

// Identity reads the addresses of the first interface and the host name.
func (g *Google) Identity(ctx context.Context) (Identity, error) {
	var identity Identity
	text, missing := g.get(ctx, nic+"ip")
	var err error
	if identity.Private, err = privateIPv4(text, missing); err != nil {
		return identity, err
	}
	if text, err = absent(g.get(ctx, nic+"access-configs/0/external-ip")); err != nil {
		return identity, err
	}
	if identity.Public, err = publicIPv4(text); err != nil {
		return identity, err
	}
	if text, err = absent(g.get(ctx, "instance/hostname")); err != nil {
		return identity, err
	}
	identity.Hostname = hostname(text)
	if text, err = absent(g.get(ctx, nic+"ipv6s")); err != nil {
		return identity, err
	}
	if identity.IPv6, err = globalIPv6(text); err != nil {
		return identity, err
	}
	return identity, identity.check(missing)
}

// Settings reads the attribute turn-settings.
func (g *Google) Settings(ctx context.Context) ([]byte, error) {
	text, err := absent(g.get(ctx, "instance/attributes/turn-settings"))
	return []byte(text), err
}

// SSHKeys returns none: on Google Compute Engine, OS Login decides who may log in.
func (g *Google) SSHKeys(context.Context) ([]string, error) { return nil, nil }

// AccessToken reads a token of the instance's service account.
func (g *Google) AccessToken(ctx context.Context) (string, error) {
	text, err := g.get(ctx, "instance/service-accounts/default/token")
	if errors.Is(err, ErrAbsent) {
		return "", errors.New("the instance has no service account: attach one that may read the secret")
	}
	if err != nil {
		return "", err
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &token); err != nil || token.AccessToken == "" {
		return "", errors.New("the metadata server has no token for the service account")
	}
	return token.AccessToken, nil
}

func (g *Google) get(ctx context.Context, path string) (string, error) {
	answer, err := g.client.request(ctx, http.MethodGet, root+path, map[string]string{flavor: "Google"})
	if err != nil {
		return "", err
	}
	if answer.header.Get(flavor) != "Google" {
		return "", fmt.Errorf("%s: the answer does not come from Google's metadata server (no header %s)", root+path, flavor)
	}
	return answer.text(root + path)
}
