package settings

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// realmText is printable ASCII without blanks, quotes and "#", which turnserver.conf would not keep as they are.
var realmText = regexp.MustCompile("^[!$-&(-_a-~]{1,127}$")

// Limits of turnserver's own variables: an int, and an unsigned 32-bit number of bytes per second.
const (
	maxQuota = math.MaxInt32
	maxRate  = math.MaxUint32
)

// read fills in the settings that the document has, then checks how they go together.
func (r *reader) read(object map[string]any, s *Settings) {
	r.unknown("", object, keys)
	for _, key := range keys {
		value, present := object[key]
		if present {
			r.setting(key, value, s)
		}
	}
	if len(r.problems) == 0 {
		r.together(s)
	}
}

func (r *reader) setting(key string, value any, s *Settings) {
	switch key {
	case "realm":
		s.Realm = r.realm(key, value)
	case "authSecret":
		s.AuthSecret = r.secret(key, value)
	case "previousAuthSecret":
		s.PreviousAuthSecret = r.secret(key, value)
	case "certificate":
		s.Certificate = r.source(key, value)
	case "privateKey":
		s.PrivateKey = r.source(key, value)
	case "listeningPort":
		s.ListeningPort = r.port(key, value)
	case "tlsListeningPort":
		s.TLSListeningPort = r.port(key, value)
	case "tls443":
		s.TLS443 = r.boolean(key, value)
	case "relayPorts":
		s.RelayPorts = r.portRange(key, value)
	case "userQuota":
		s.UserQuota = r.integer(key, value, 0, maxQuota)
	case "totalQuota":
		s.TotalQuota = r.integer(key, value, 0, maxQuota)
	case "maxBps":
		s.MaxBps = r.integer(key, value, 0, maxRate)
	case "bpsCapacity":
		s.BpsCapacity = r.integer(key, value, 0, maxRate)
	case "allowedPeers":
		s.AllowedPeers = r.peers(key, value, closed)
	case "deniedPeers":
		s.DeniedPeers = r.peers(key, value, nil)
	case "metrics":
		s.Metrics = r.metrics(key, value)
	case "sshFrom":
		s.SSHFrom = r.networks(key, value, false)
	case "drainSeconds":
		s.DrainSeconds = int(r.integer(key, value, 0, 3600))
	case "startupScript":
		s.StartupScript = r.script(key, value)
	}
}

func (r *reader) realm(path string, value any) string {
	text, ok := value.(string)
	switch {
	case !ok:
		r.report(path, "must be a string")
	case !ValidRealm(text):
		r.report(path, "must be 1 to 127 printable ASCII characters without spaces, quotes or #")
	case isPlaceholder(text):
		r.report(path, "looks like a placeholder that was not replaced")
	}
	return text
}

// ValidRealm tells whether turnserver.conf can hold the text as a realm.
func ValidRealm(text string) bool { return realmText.MatchString(text) }

func (r *reader) boolean(path string, value any) bool {
	on, ok := value.(bool)
	if !ok {
		r.report(path, "must be true or false")
	}
	return on
}

func (r *reader) integer(path string, value any, least, most int64) int64 {
	number, ok := value.(float64)
	switch {
	case !ok || number != math.Trunc(number):
		r.report(path, "must be an integer from %d to %d", least, most)
	case number < float64(least) || number > float64(most):
		// A number as long as a secret may be one.
		if text := strconv.FormatFloat(number, 'f', -1, 64); harmless(text) {
			path += ": " + text
		}
		r.report(path, "must be from %d to %d", least, most)
	default:
		return int64(number)
	}
	return least
}

func (r *reader) script(path string, value any) string {
	text, ok := value.(string)
	switch {
	case r.cloud != AWS:
		r.report(path, "only for aws; on gce use the attribute startup-script")
	case !ok || !strings.HasPrefix(text, "#!"):
		r.report(path, "must be a string that begins with #!")
	}
	return text
}

func (r *reader) metrics(path string, value any) *Metrics {
	object, ok := value.(map[string]any)
	if !ok {
		r.report(path, `must be an object with the key "from"`)
		return nil
	}
	r.unknown(path+".", object, []string{"from", "port"})
	m := &Metrics{Port: 9641}
	if from, present := object["from"]; present {
		m.From = r.networks(path+".from", from, true)
	} else {
		r.report(path+".from", "missing: the networks that may scrape")
	}
	if port, present := object["port"]; present {
		// The agent has no capability to use lower ones.
		m.Port = int(r.integer(path+".port", port, 1024, 65535))
	}
	return m
}
