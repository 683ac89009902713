package settings

import (
	"regexp"
	"strings"
)

// Unknown keys that messages may name: misspelt names of settings, and words. Another key may be a secret.
var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	word      = regexp.MustCompile(`^[A-Za-z_-]{1,32}$`)
)

// keys of a document, in the order in which their problems are reported.
var keys = []string{
	"realm", "authSecret", "previousAuthSecret", "certificate", "privateKey",
	"listeningPort", "tlsListeningPort", "tls443", "relayPorts",
	"userQuota", "totalQuota", "maxBps", "bpsCapacity",
	"allowedPeers", "deniedPeers", "metrics", "sshFrom", "drainSeconds", "startupScript",
}

// nearest finds the known name that a key is probably a misspelling of: at most two edits away, or a third of its
// length, ignoring case. The first of equally near names wins.
func nearest(key string, known []string) string {
	best, distance := "", max(2, len(key)/3)+1
	for _, name := range known {
		if d := edits(strings.ToLower(key), strings.ToLower(name)); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
