package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tokenLife is the longest that EC2 grants. A token is renewed well before its end.
const (
	tokenLife   = 6 * time.Hour
	tokenMargin = 30 * time.Minute
)

// Amazon is EC2's Instance Metadata Service, version 2 only: each request carries a token of a session.
type Amazon struct {
	client client
	mutex  sync.Mutex
	token  string
	expiry time.Time
	now    func() time.Time
}

// NewAmazon makes a client of the service at its base URLs.
func NewAmazon(bases ...string) *Amazon {
	return &Amazon{client: newClient(bases), now: time.Now}
}

// Credentials are the temporary keys of the instance's role.
type Credentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
}

var macAddress = regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`)

// Ready reads the MAC address, which each machine has.
func (a *Amazon) Ready(ctx context.Context) error {
	_, err := a.mac(ctx)
	return err
}

// Identity reads the addresses and the public name.
func (a *Amazon) Identity(ctx context.Context) (Identity, error) {
	var identity Identity
	text, missing := a.get(ctx, "/latest/meta-data/local-ipv4")
	var err error
	if identity.Private, err = privateIPv4(text, missing); err != nil {
		return identity, err
	}
	if text, err = absent(a.get(ctx, "/latest/meta-data/public-ipv4")); err != nil {
		return identity, err
	}
	if identity.Public, err = publicIPv4(text); err != nil {
		return identity, err
	}
	if text, err = absent(a.get(ctx, "/latest/meta-data/public-hostname")); err != nil {
		return identity, err
	}
	identity.Hostname = hostname(text)
	if identity.IPv6, err = a.ipv6(ctx); err != nil {
		return identity, err
	}
	return identity, identity.check(missing)
}

func (a *Amazon) mac(ctx context.Context) (string, error) {
	text, err := a.get(ctx, "/latest/meta-data/mac")
	if err != nil {
		return "", err
	}
	mac := strings.TrimSpace(text)
	if !macAddress.MatchString(mac) {
		return "", fmt.Errorf("not a MAC address: %s", shorten(mac))
	}
	return mac, nil
}

func (a *Amazon) ipv6(ctx context.Context) ([]netip.Addr, error) {
	mac, err := a.mac(ctx)
	if err != nil {
		return nil, err
	}
	text, err := absent(a.get(ctx, "/latest/meta-data/network/interfaces/macs/"+mac+"/ipv6s"))
	if err != nil {
		return nil, err
	}
	return globalIPv6(text)
}

// Settings reads the user data.
func (a *Amazon) Settings(ctx context.Context) ([]byte, error) {
	text, err := absent(a.get(ctx, "/latest/user-data"))
	return []byte(text), err
}

// SSHKeys reads the key pair of the launch. Its list has a line such as "0=name" for each key.
func (a *Amazon) SSHKeys(ctx context.Context) ([]string, error) {
	list, err := absent(a.get(ctx, "/latest/meta-data/public-keys/"))
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, line := range strings.Fields(list) {
		index, _, _ := strings.Cut(line, "=")
		if _, err := strconv.Atoi(index); err != nil {
			return nil, fmt.Errorf("not a list of keys: %s", shorten(line))
		}
		key, err := a.get(ctx, "/latest/meta-data/public-keys/"+index+"/openssh-key")
		if err != nil {
			return nil, err
		}
		keys = append(keys, strings.TrimSpace(key))
	}
	return keys, nil
}

var regionName = regexp.MustCompile(`^[a-z]{2}[a-z0-9-]{3,28}$`)

// Region reads the instance's region.
func (a *Amazon) Region(ctx context.Context) (string, error) {
	text, err := a.get(ctx, "/latest/dynamic/instance-identity/document")
	if err != nil {
		return "", err
	}
	var document struct{ Region string }
	if err := json.Unmarshal([]byte(text), &document); err != nil || !regionName.MatchString(document.Region) {
		return "", errors.New("the instance identity document has no region")
	}
	return document.Region, nil
}

// Credentials reads the keys of the instance's role.
func (a *Amazon) Credentials(ctx context.Context) (Credentials, error) {
	const path = "/latest/meta-data/iam/security-credentials/"
	roles, err := absent(a.get(ctx, path))
	if err != nil {
		return Credentials{}, err
	}
	role, _, _ := strings.Cut(strings.TrimSpace(roles), "\n")
	if role == "" {
		return Credentials{}, errors.New("the instance has no role: attach an instance profile that may read the secret")
	}
	text, err := a.get(ctx, path+role)
	if err != nil {
		return Credentials{}, err
	}
	var credentials Credentials
	if err := json.Unmarshal([]byte(text), &credentials); err != nil || credentials.AccessKeyID == "" || credentials.SecretAccessKey == "" {
		return Credentials{}, fmt.Errorf("the metadata service has no credentials for the role %s", shorten(role))
	}
	return credentials, nil
}

// get reads an item, with a new token if the service no longer takes the present one.
func (a *Amazon) get(ctx context.Context, path string) (string, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for attempt := 0; ; attempt++ {
		if err := a.renew(ctx); err != nil {
			return "", err
		}
		answer, err := a.client.request(ctx, http.MethodGet, path, map[string]string{"X-aws-ec2-metadata-token": a.token})
		if err != nil {
			return "", err
		}
		if answer.status != http.StatusUnauthorized || attempt > 0 {
			return answer.text(path)
		}
		a.token = ""
	}
}

func (a *Amazon) renew(ctx context.Context) error {
	if a.token != "" && a.now().Before(a.expiry) {
		return nil
	}
	const path = "/latest/api/token"
	asked := a.now()
	answer, err := a.client.request(ctx, http.MethodPut, path, map[string]string{
		"X-aws-ec2-metadata-token-ttl-seconds": strconv.Itoa(int(tokenLife.Seconds())),
	})
	if err != nil {
		return err
	}
	text, err := answer.text(path)
	if err != nil {
		return err
	}
	if text == "" || strings.ContainsAny(text, " \r\n<") {
		return fmt.Errorf("%s: the answer is not a token", path)
	}
	a.token, a.expiry = text, asked.Add(tokenLife-tokenMargin)
	return nil
}
