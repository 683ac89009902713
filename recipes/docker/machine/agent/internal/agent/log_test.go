package agent

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRepeatedErrors(t *testing.T) {
	var out strings.Builder
	now := time.Now()
	l := NewLog(&out)
	l.now = func() time.Time { return now }
	fail := func(text string, after time.Duration) int {
		now = now.Add(after)
		before := strings.Count(out.String(), "\n")
		l.Repeated("metadata", errors.New(text))
		return strings.Count(out.String(), "\n") - before
	}
	for i, step := range []struct {
		text  string
		after time.Duration
		lines int
	}{{"a", 0, 1}, {"a", 59 * time.Second, 0}, {"a", time.Second, 1}, {"b", time.Second, 1}, {"b", time.Second, 0}} {
		if got := fail(step.text, step.after); got != step.lines {
			t.Errorf("step %d: %d lines", i, got)
		}
	}
	l.Recovered("metadata")
	l.Recovered("metadata")
	if strings.Count(out.String(), "<6>turn-agent: metadata: works again\n") != 1 || fail("b", 0) != 1 {
		t.Error(out.String())
	}
}

func TestLinesCannotBeForged(t *testing.T) {
	var out strings.Builder
	NewLog(&out).Error("realm %s", "a\n<3>other: b\x1b[2J")
	if out.String() != "<3>turn-agent: realm a <3>other: b [2J\n" {
		t.Errorf("%q", out.String())
	}
}
