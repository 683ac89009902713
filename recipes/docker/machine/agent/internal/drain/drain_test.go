package drain

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// server starts a process that ends some time after SIGUSR1, and is reaped as systemd would.
func server(t *testing.T, script string) (pid int, ended chan struct{}) {
	t.Helper()
	command := exec.Command("sh", "-c", script+"; echo ready; while :; do sleep 0.05; done")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() { command.Wait(); close(ended) }()
	t.Cleanup(func() { command.Process.Kill(); <-ended })
	return command.Process.Pid, ended
}

func seconds(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "drain-seconds")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func took(begin time.Time) time.Duration { return time.Since(begin).Round(100 * time.Millisecond) }

func TestWaitsForTheEnd(t *testing.T) {
	pid, ended := server(t, "trap 'sleep 0.5; exit 0' USR1")
	begin := time.Now()
	Drain(pid, seconds(t, "30\n"), 10*time.Millisecond)
	select {
	case <-ended:
	case <-time.After(100 * time.Millisecond):
		t.Error("returns before the process has ended")
	}
	if d := took(begin); d < 500*time.Millisecond || d > 5*time.Second {
		t.Error(d)
	}
}

func TestDeadline(t *testing.T) {
	pid, ended := server(t, "trap '' USR1")
	begin := time.Now()
	Drain(pid, seconds(t, "1\n"), 10*time.Millisecond)
	if d := took(begin); d < time.Second || d > 3*time.Second {
		t.Error(d)
	}
	select {
	case <-ended:
		t.Error("the process has ended")
	default:
	}
}

func TestDeadlineIsShortened(t *testing.T) {
	pid, _ := server(t, "trap '' USR1")
	file := seconds(t, "3600\n")
	time.AfterFunc(300*time.Millisecond, func() { os.WriteFile(file, []byte("0\n"), 0o644) })
	begin := time.Now()
	Drain(pid, file, 10*time.Millisecond)
	if d := took(begin); d > 3*time.Second {
		t.Error(d)
	}
}

func TestStop(t *testing.T) {
	for script, least := range map[string]time.Duration{"true": 0, "trap '' TERM": 500 * time.Millisecond} {
		pid, ended := server(t, script)
		begin := time.Now()
		Stop(pid, 10*time.Millisecond, 500*time.Millisecond)
		select {
		case <-ended:
		case <-time.After(3 * time.Second):
			t.Error("still runs:", script)
		}
		if d := took(begin); d < least || d > 3*time.Second || least == 0 && d >= 500*time.Millisecond {
			t.Error(script, d)
		}
	}
}

func TestNoProcess(t *testing.T) {
	command := exec.Command("true")
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	Drain(command.Process.Pid, seconds(t, "30"), 10*time.Millisecond)
	Stop(command.Process.Pid, 10*time.Millisecond, time.Minute)
	if d := took(begin); d > time.Second {
		t.Error(d)
	}
}

func TestUnreadableDeadline(t *testing.T) {
	for _, text := range []string{"", "x", "-1"} {
		if got := deadline(seconds(t, text)); got != time.Minute {
			t.Errorf("%q: %s", text, got)
		}
	}
	if got := deadline("/nonexistent"); got != time.Minute {
		t.Error(got)
	}
}
