package settings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sample is one document of the corpus, which turnbuild's lint-config --user-data is held to as well.
type sample struct {
	Document string
	Cloud    Cloud
	Now      time.Time
	Problems []string
}

func corpus(t *testing.T) map[string]sample {
	t.Helper()
	files, err := filepath.Glob("../../testdata/settings/*.json")
	if err != nil || len(files) < 200 {
		t.Fatalf("found %d files of the corpus: %v", len(files), err)
	}
	samples := map[string]sample{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := sample{Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		samples[strings.TrimSuffix(filepath.Base(file), ".json")] = s
	}
	return samples
}

func TestCorpus(t *testing.T) {
	for name, s := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse([]byte(s.Document), s.Cloud, s.Now)
			if len(problems)+len(s.Problems) > 0 && !reflect.DeepEqual(problems, s.Problems) {
				t.Errorf("got  %q\nwant %q", problems, s.Problems)
			}
		})
	}
}

// Each setting appears in a valid and in an invalid document.
func TestCorpusCoversEachKey(t *testing.T) {
	valid, invalid := map[string]bool{}, map[string]bool{}
	for _, s := range corpus(t) {
		var document map[string]any
		if json.Unmarshal([]byte(s.Document), &document) != nil {
			continue
		}
		for key := range document {
			if len(s.Problems) == 0 {
				valid[key] = true
			} else if strings.HasPrefix(s.Problems[0], key) {
				invalid[key] = true
			}
		}
	}
	for _, key := range keys {
		if !valid[key] || !invalid[key] {
			t.Errorf("%s: in a valid document %v, in an invalid one %v", key, valid[key], invalid[key])
		}
	}
}

// No message shows a value of a source.
func TestProblemsShowNoSecret(t *testing.T) {
	for name, s := range corpus(t) {
		_, problems := Parse([]byte(s.Document), s.Cloud, s.Now)
		text := strings.Join(problems, "\n")
		for _, secret := range []string{"f3b1c2d4e5a69788", "PRIVATE KEY-", "q7Vd0pLx", "MIG", "geheim"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: shows %q: %s", name, secret, text)
			}
		}
	}
}

// Whatever is put in a wrong place, no message shows it.
func TestSecretsInWrongPlaces(t *testing.T) {
	const digits = "8065173442908617"
	places := append(slices.Clone(keys), "metrics.from", "metrics.port", "authSecret.value", "authSecret.valueFrom", "unknown")
	for _, secret := range []string{"geheim", "f3b1c2d4e5a6978812ab34cd56ef7890", "kX9$vQ2!mZ7@pL4#", "a b/c=", "${GEHEIM}", "-----BEGIN geheim"} {
		text := strconv.Quote(secret)
		key := text
		if word.MatchString(secret) {
			key = strconv.Quote(secret + "!")
		}
		for _, value := range []string{
			text, "[" + text + "]", "{" + key + ": 1}", `{"a": ` + text + "}", "[[" + text + "]]", `[{"value": ` + text + "}]",
			`{"value": [` + text + "]}", `{"from": ` + text + "}", `{"from": [` + text + "]}", digits + digits, "[" + digits + digits + "]", "-" + digits,
		} {
			for _, place := range places {
				document := `{"` + place + `": ` + value + "}"
				if object, key, nested := strings.Cut(place, "."); nested {
					document = `{"` + object + `": {"` + key + `": ` + value + "}}"
				}
				for _, cloud := range []Cloud{AWS, GCE} {
					_, problems := Parse([]byte(document), cloud, time.Now())
					shown := strings.Join(problems, "\n")
					if strings.Contains(shown, secret) || strings.Contains(shown, digits[:8]) {
						t.Errorf("%s: %s", document, shown)
					}
				}
			}
		}
	}
}
