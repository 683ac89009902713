package settings

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a shared secret. The longer one is the width of its column in coturn's database.
const (
	minSecretCharacters = 16
	maxSecretBytes      = 256
	minDifferent        = 6
)

// published lists secrets of coturn's examples and of widespread guides.
var published = []string{
	"youhavetochooseagoodpassword", "youhavetoberealistic", "somepassword", "north", "logen",
	"0xbc807ee29df3c9ffa736523fb2c4e8ee",
	"$5$79a316b350311570$81df9cfb9af7f5e5a76eada31e7097b663a0670f99a3c07ded3f1c8e59c5658a",
}

// ordinary matches secrets that consist of words of examples with short numbers between them ("my-turn-secret-2024"),
// or of counting.
var ordinary = regexp.MustCompile(`^(?:[0-9]{0,4}(?:` + strings.Join([]string{
	"north", "logen", "secret", "shared", "static", "super", "strong", "auth", "key", "token", "my", "your", "our", "the", "a",
	"change", "changeme", "me", "this", "please", "it", "password", "passwd", "pass", "word", "phrase", "default", "example",
	"sample", "test", "testing", "demo", "dummy", "some", "long", "random", "string", "value", "here", "admin", "root", "user",
	"coturn", "turn", "stun", "server", "webrtc", "relay", "abcdefghijklmnop(?:qrstuvwxyz)?", "abcdef", "qwerty(?:uiop)?",
	"asdf(?:ghjkl)?", "letmein", "welcome",
}, "|") + `))+[0-9]{0,4}$|^(?:0?123456789|1234567890|abcdef)+$`)

var notLetterOrDigit = regexp.MustCompile(`[^a-z0-9]+`)

// CheckSecret says what is wrong with a shared secret, without showing it. It returns "" for a good one.
func CheckSecret(secret string) string {
	characters := utf8.RuneCountInString(secret)
	different := map[rune]bool{}
	for _, character := range secret {
		if unicode.IsControl(character) {
			return "has control characters"
		}
		different[character] = true
	}
	lower := strings.ToLower(secret)
	letters := notLetterOrDigit.ReplaceAllString(lower, "")
	switch {
	case secret == "":
		return "is empty"
	case contains(published, lower), letters != "" && ordinary.MatchString(letters):
		return "is a well-known example; generate one: openssl rand -hex 32"
	case isPlaceholder(secret):
		return "looks like a placeholder that was not replaced"
	case characters < minSecretCharacters:
		return fmt.Sprintf("has %d characters (at least %d)", characters, minSecretCharacters)
	case len(different) < minDifferent:
		return fmt.Sprintf("has only %d different characters (at least %d)", len(different), minDifferent)
	case len(secret) > maxSecretBytes:
		return fmt.Sprintf("has %d bytes (at most %d)", len(secret), maxSecretBytes)
	}
	return ""
}

// shapes are patterns of placeholders in templates and examples.
var shapes = compile(
	`\$\{[^}]*\}|\$\([^)]*\)|^\$[A-Z_][A-Z0-9_]*$|\$[A-Z]{2,}_[A-Z0-9_]+\b|[=@/ .]\$[A-Z_][A-Z0-9_]{2,}\b`,
	"#\\{[^}]*\\}|%\\([A-Za-z_]\\w*\\)s|\\(\\([^)]*\\)\\)|`[^`]+`",
	`^\$([a-z]+(_[a-z0-9]+)+|(secret|pass|user|realm|domain|address|ip)[a-z]*)$`,
	`\{\{.*\}\}|\{%.*%\}|<%.*%>|^\{[A-Za-z_][\w.-]*\}$|\{[A-Z][A-Z0-9_]{2,}\}`,
	`<[A-Za-z][\w .-]*>`,
	`%[A-Z][A-Z0-9_]*%|@[A-Z][A-Z0-9_]*@|__[A-Za-z][A-Za-z0-9_]*__|\[[A-Z][A-Z0-9_ -]*\]|^\[[a-z][\w -]*\]$`,
	`^[A-Z]+\d*(_[A-Z]+\d*)+$`,
	`(?i)\b(change|replace|fill|insert|set)[-_ ]?(me|this|it|here)\b|\byour[-_. ]?(own|public|private|external|server|secret|shared|strong|static|realm|domain|user|pass|key|ip|name|auth|turn)`,
	`(?i)(^|[^a-z])(enter|type|put|paste|add|insert|change|replace|your)[-_ ]([a-z]+[-_ ])*here$|(^|/)path/to(/|$)`,
	`(?i)^\W*(placeholder|todo|fixme|tbd)\b[^/]*$`,
	`(?i)^(x{3,9}|\.{3,}|\*{3,}|x+\.x+\.x+\.x+)$`,
)

// Words in capitals joined by hyphens are a placeholder if one of them says so: YOUR-SECRET.
var (
	capitals = regexp.MustCompile(`^[A-Z]+\d*(-[A-Z]+\d*)+$`)
	telling  = regexp.MustCompile(`\b(YOUR|CHANGE|REPLACE|INSERT|SERVER|SECRET|PASSWORD|PUBLIC|PRIVATE|DOMAIN|ADDRESS|HERE)\b`)
)

func compile(expressions ...string) []*regexp.Regexp {
	list := make([]*regexp.Regexp, len(expressions))
	for i, expression := range expressions {
		list[i] = regexp.MustCompile(expression)
	}
	return list
}

func isPlaceholder(text string) bool {
	if capitals.MatchString(text) && telling.MatchString(text) {
		return true
	}
	for _, shape := range shapes {
		if shape.MatchString(text) {
			return true
		}
	}
	return false
}
