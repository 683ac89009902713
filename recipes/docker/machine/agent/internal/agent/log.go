package agent

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Log writes lines for the journal, which reads the priority at their beginning. It must never be given a secret.
type Log struct {
	mutex sync.Mutex
	out   io.Writer
	now   func() time.Time
	last  map[string]complaint
}

// complaint is the last line about a subject that is tried again and again.
type complaint struct {
	text string
	at   time.Time
}

// NewLog makes a log.
func NewLog(out io.Writer) *Log {
	return &Log{out: out, now: time.Now, last: map[string]complaint{}}
}

// Error reports what an operator must know.
func (l *Log) Error(format string, arguments ...any) {
	l.write("<3>", fmt.Sprintf(format, arguments...))
}

// Info reports what the agent does.
func (l *Log) Info(format string, arguments ...any) {
	l.write("<6>", fmt.Sprintf(format, arguments...))
}

// Repeated reports an error of something that is tried again and again: the first time, when it changes, and once a
// minute.
func (l *Log) Repeated(subject string, err error) {
	l.mutex.Lock()
	last, before := l.last[subject]
	text := err.Error()
	quiet := before && last.text == text && l.now().Sub(last.at) < time.Minute
	if !quiet {
		l.last[subject] = complaint{text, l.now()}
	}
	l.mutex.Unlock()
	if !quiet {
		l.Error("%s: %s", subject, text)
	}
}

// Recovered ends a series of errors, and says so if there was one.
func (l *Log) Recovered(subject string) {
	l.mutex.Lock()
	_, before := l.last[subject]
	delete(l.last, subject)
	l.mutex.Unlock()
	if before {
		l.Info("%s: works again", subject)
	}
}

func (l *Log) write(priority, text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	fmt.Fprintf(l.out, "%sturn-agent: %s\n", priority, oneLine(text))
}

// oneLine replaces control characters, so that no text can forge a line or control a console.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
