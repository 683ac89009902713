package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// IsScript tells whether the user data of an EC2 instance is a startup script instead of a settings document.
func IsScript(document []byte, cloud Cloud) bool {
	return cloud == AWS && bytes.HasPrefix(document, []byte("#!"))
}

// Parse reads a document. It returns either no problems and the settings, or all problems, one line each.
func Parse(document []byte, cloud Cloud, now time.Time) (Settings, []string) {
	settings := Defaults(cloud)
	if IsScript(document, cloud) {
		if len(document) > MaxBytes {
			return settings, []string{tooLong(document)}
		}
		settings.StartupScript = string(document)
		return settings, nil
	}
	if len(bytes.TrimSpace(document)) == 0 {
		return settings, nil
	}
	object, problem := decode(document)
	if problem != "" {
		return settings, []string{problem}
	}
	r := &reader{cloud: cloud, now: now}
	r.read(object, &settings)
	return settings, r.problems
}

func tooLong(document []byte) string {
	return fmt.Sprintf("document: %d bytes long (at most %d)", len(document), MaxBytes)
}

// byteOrderMark is what some editors write before UTF-8 text. JSON must not have it (RFC 8259), and the kernel would not
// run a script with it.
var byteOrderMark = []byte("\xef\xbb\xbf")

// decode parses the JSON itself. Its errors name a line and never quote the document, which may hold secrets.
func decode(document []byte) (map[string]any, string) {
	if len(document) > MaxBytes {
		return nil, tooLong(document)
	}
	if !utf8.Valid(document) {
		return nil, "document: not UTF-8 text"
	}
	if bytes.HasPrefix(document, byteOrderMark) {
		return nil, "document: begins with a byte order mark; save it as UTF-8 without one"
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(document))
	if err := decoder.Decode(&value); err != nil {
		return nil, invalidJSON(document, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, invalidJSONAt(document, int(decoder.InputOffset()))
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return nil, "document: must be an object"
	}
	return object, ""
}

func invalidJSON(document []byte, err error) string {
	var syntax *json.SyntaxError
	var number *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return invalidJSONAt(document, int(syntax.Offset)-1)
	case errors.As(err, &number):
		// A float64 can't hold it. The offset is behind the character after it.
		end := min(max(int(number.Offset)-1, 0), len(document))
		return fmt.Sprintf("document: the number in line %d is too large", lineAfter(document[:end]))
	}
	return invalidJSONAt(document, len(document))
}

// lineAfter is the number of the line in which a text ends.
func lineAfter(text []byte) int { return 1 + bytes.Count(text, []byte("\n")) }

func invalidJSONAt(document []byte, offset int) string {
	offset = min(max(offset, 0), len(document))
	// White space at the end, or before a wrong character, doesn't move the line of the error.
	text := bytes.TrimRight(document[:offset], " \t\r\n")
	if offset < len(document) && !strings.ContainsRune(" \t\r\n", rune(document[offset])) {
		text = document[:offset]
	}
	return fmt.Sprintf("document: invalid JSON in line %d", lineAfter(text))
}

// reader collects the problems of one document.
type reader struct {
	cloud    Cloud
	now      time.Time
	problems []string
}

// report adds a problem of the value at a path. The message must not have the value itself: it may be a secret in the
// wrong place.
func (r *reader) report(path, format string, arguments ...any) {
	r.problems = append(r.problems, path+": "+fmt.Sprintf(format, arguments...))
}

// wrong adds a problem of a text and quotes it if it can't be a secret.
func (r *reader) wrong(path, text, format string, arguments ...any) {
	if harmless(text) {
		format = quote(text) + ": " + format
	}
	r.report(path, format, arguments...)
}

// unknown reports the keys of an object that are not known, in alphabetical order.
func (r *reader) unknown(path string, object map[string]any, known []string) {
	var keys []string
	for key := range object {
		if !contains(known, key) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		near := nearest(key, known)
		where := path + "(key)"
		if near != "" && plainName.MatchString(key) || word.MatchString(key) {
			where = path + key
		}
		if near != "" {
			r.report(where, "unknown key; did you mean %s?", near)
		} else {
			r.report(where, "unknown key")
		}
	}
}

// addressText matches what addresses, networks, ranges of them and ranges of ports consist of. The longest is a range of
// IPv6 addresses.
var addressText = regexp.MustCompile(`^[0-9A-Fa-f.:/ -]{0,91}$`)

// harmless tells whether a text can only be a mistaken address, number or range. Hexadecimal secrets consist of the same
// characters, but they are longer and have neither dots nor colons.
func harmless(text string) bool {
	return addressText.MatchString(text) && (len(text) < minSecretCharacters || strings.ContainsAny(text, ".:"))
}

func quote(text string) string { return `"` + text + `"` }

// kind names the type of a JSON value.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

func contains(list []string, text string) bool {
	for _, item := range list {
		if item == text {
			return true
		}
	}
	return false
}
