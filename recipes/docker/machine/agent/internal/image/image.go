// Package image has what is fixed in a machine image: where files are, and what its turnserver can do.
package image

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"turn-agent/internal/settings"
)

// Facts are the contents of agent.json, which the build of the image writes.
type Facts struct {
	Cloud settings.Cloud `json:"cloud"`
	// Options are all long options of this turnserver.
	Options []string `json:"options"`
	// Drain and Reload tell whether this version drains on SIGUSR1 and reads its certificate again on SIGUSR2.
	Drain  bool `json:"drain"`
	Reload bool `json:"reload"`
	// User runs turnserver. Its group may read the configuration.
	User string `json:"user"`
	// SSH tells whether the image has an SSH server.
	SSH bool `json:"ssh"`
	// Endpoints replace the addresses of services in tests: metadata, ssm, secretsmanager, secretmanager.
	Endpoints map[string]string `json:"endpoints"`
}

// Has tells whether turnserver has an option.
func (f Facts) Has(option string) bool { return slices.Contains(f.Options, option) }

// Load reads agent.json.
func Load(path string) (Facts, error) {
	var facts Facts
	text, err := os.ReadFile(path)
	if err != nil {
		return facts, err
	}
	if err := json.Unmarshal(text, &facts); err != nil {
		return facts, fmt.Errorf("%s: %w", path, err)
	}
	if facts.Cloud != settings.AWS && facts.Cloud != settings.GCE {
		return facts, fmt.Errorf("%s: unknown cloud %q", path, facts.Cloud)
	}
	if len(facts.Options) == 0 || facts.User == "" {
		return facts, fmt.Errorf("%s: options or user is missing", path)
	}
	return facts, nil
}

// Paths are the files and folders that the agent uses. Tests put them all below a folder of their own.
type Paths struct{ Root string }

func (p Paths) at(path string) string { return filepath.Join("/", p.Root, path) }

// Facts is written by the build of the image.
func (p Paths) Facts() string { return p.at("etc/turn-agent/agent.json") }

// Base is the package's own configuration of turnserver.
func (p Paths) Base() string { return p.at("usr/lib/turn-agent/base.conf") }

// Configuration is the one that turnserver reads.
func (p Paths) Configuration() string { return p.at("etc/turnserver.conf") }

// Database is coturn's, in SQLite's format.
func (p Paths) Database() string { return p.at("var/lib/turn/turndb") }

// State is a file that lasts.
func (p Paths) State(name string) string { return filepath.Join(p.at("var/lib/turn-agent"), name) }

// Run is a file that lasts until the next boot.
func (p Paths) Run(name string) string { return filepath.Join(p.at("run/turn-agent"), name) }

// Kernel is a setting of the kernel's IPv4 stack, which for ports counts for IPv6 as well.
func (p Paths) Kernel(name string) string { return filepath.Join(p.at("proc/sys/net/ipv4"), name) }

// Interfaces6 lists the IPv6 addresses of the machine's interfaces.
func (p Paths) Interfaces6() string { return p.at("proc/net/if_inet6") }
