package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"turn-agent/internal/clouds"
	"turn-agent/internal/image"
)

func machine(t *testing.T, facts string) image.Paths {
	t.Helper()
	paths := image.Paths{Root: t.TempDir()}
	for _, file := range []string{paths.Facts(), paths.Run("status.json")} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if facts != "" {
		if err := os.WriteFile(paths.Facts(), []byte(facts), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

const awsFacts = `{"cloud": "aws", "options": ["realm"], "drain": false, "user": "root"}`

func call(paths image.Paths, arguments ...string) (int, string, string) {
	var out, errors strings.Builder
	code := command(arguments, paths, &out, &errors)
	return code, out.String(), errors.String()
}

func TestUsage(t *testing.T) {
	for _, arguments := range [][]string{
		{}, {"banana"}, {"run", "x"}, {"check"}, {"check", "a", "b"}, {"check", "--cloud", "azure", "x"}, {"status", "x"}, {"wait", "x"}, {"drain"}, {"drain", "x"}, {"drain", "1"},
	} {
		if code, _, text := call(machine(t, awsFacts), arguments...); code != 2 || text == "" {
			t.Error(arguments, code, text)
		}
	}
	if code, text, _ := call(machine(t, ""), "--help"); code != 0 || !strings.Contains(text, "turn-agent check") {
		t.Error(code, text)
	}
}

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.json")
	for document, want := range map[string]string{
		"{}": "", `{"startupScript": "#!/bin/sh"}`: "",
		`{"realm": 5, "relayPorts": "2000-1000"}`: "realm: must be a string\nrelayPorts: \"2000-1000\": the first port is greater than the last\n",
	} {
		if err := os.WriteFile(file, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
		code, text, _ := call(machine(t, awsFacts), "check", file)
		if text != want || code != min(1, len(want)) {
			t.Error(code, text)
		}
	}
	os.WriteFile(file, []byte(`{"startupScript": "#!/bin/sh"}`), 0o644)
	if code, text, _ := call(machine(t, awsFacts), "check", "--cloud", "gce", file); code != 1 || !strings.HasPrefix(text, "startupScript: only for aws") {
		t.Error(code, text)
	}
	if code, _, text := call(machine(t, ""), "check", file); code != 2 || !strings.Contains(text, "--cloud") {
		t.Error(code, text)
	}
	if code, _, text := call(machine(t, awsFacts), "check", "/nonexistent"); code != 1 || !strings.Contains(text, "no such file") {
		t.Error(code, text)
	}
}

func TestStatus(t *testing.T) {
	paths := machine(t, awsFacts)
	if code, _, text := call(paths, "status"); code != 1 || !strings.HasPrefix(text, "turn-agent: coturn has not been configured") || !strings.Contains(text, "journalctl -u turn-agent") {
		t.Error(code, text)
	}
	os.WriteFile(paths.Run("status.json"), []byte(`{"cloud": "aws", "private": "10.0.1.5", "public": "", "ipv6": ["2a05::1"], "realms": ["r"],
		"ports": {"Listeners": [3478, 5349], "Relay": [{"First": 10000, "Last": 20000}]}, "generatedSecret": true,
		"certificateExpiry": "2027-01-02T03:04:05Z", "draining": true, "problems": ["realm: must be a string"]}`), 0o644)
	code, text, _ := call(paths, "status")
	want := `cloud                aws
public address       none
private address      10.0.1.5
IPv6 addresses       2a05::1
realm                r
listening ports      3478, 5349
relay ports          10000-20000
secret               generated, in ` + paths.State("secret") + `
certificate until    2027-01-02 03:04:05 UTC
coturn               is restarting; sessions may be draining
settings             realm: must be a string (the last good settings are in force)
`
	if code != 0 || text != want {
		t.Error(code, text)
	}
	os.WriteFile(paths.Run("status.json"), []byte(`{"cloud": "aws", "private": "", "public": "", "ipv6": ["2a05::1"], "realms": ["r"]}`), 0o644)
	if code, text, _ := call(paths, "status"); code != 0 || !strings.Contains(text, "\nprivate address      none\n") {
		t.Error(code, text)
	}
}

// The build of the image sets the version to a digest of the source.
func TestVersion(t *testing.T) {
	if version != "unknown" {
		t.Error(version)
	}
	// The program is compiled by a fake go, which records how it's called.
	programs := t.TempDir()
	script := "#!/bin/sh\n[ \"$1\" != build ] || printf '%s\\n' \"$@\" > " + programs + "/arguments\n"
	if err := os.WriteFile(filepath.Join(programs, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	build := func(source string) string {
		build := exec.Command("sh", "../agent.sh", source, t.TempDir())
		build.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "DEB_ARCH=arm64")
		if output, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		arguments, err := os.ReadFile(filepath.Join(programs, "arguments"))
		if err != nil {
			t.Fatal(err)
		}
		match := regexp.MustCompile(`\n-ldflags\n-s -w -buildid= -X main\.version=([0-9a-f]{12})\n`).FindSubmatch(arguments)
		if match == nil {
			t.Fatalf("no version: %s", arguments)
		}
		return string(match[1])
	}
	source := func(text string) string {
		folder := t.TempDir()
		for name, content := range map[string]string{"main.go": text, "internal/b.go": "package b"} {
			file := filepath.Join(folder, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		return folder
	}
	first := build(source("one"))
	if again := build(source("one")); again != first {
		t.Error("the same source has the versions", first, again)
	}
	if build(source("two")) == first {
		t.Error("another source has the same version")
	}
}

// A version that can't drain would die of the signal, so it gets none.
func TestDrainOnlyWhereItWorks(t *testing.T) {
	for facts, signal := range map[string]string{awsFacts: "terminated", strings.Replace(awsFacts, "false", "true", 1): "user defined signal 1"} {
		command := exec.Command("sleep", "30")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		if code, _, text := call(machine(t, facts), "drain", strconv.Itoa(command.Process.Pid)); code != 0 {
			t.Error(code, text)
		}
		if err := <-ended; !strings.Contains(err.Error(), signal) {
			t.Error(facts, err)
		}
	}
}

func TestWait(t *testing.T) {
	for cloud, items := range map[string]map[string]string{"aws": clouds.AmazonItems(), "gce": clouds.GoogleItems()} {
		server := clouds.Start(t, cloud == "gce", items)
		facts := strings.Replace(awsFacts, `"aws"`, `"`+cloud+`", "endpoints": {"metadata": "`+server.URL+`"}`, 1)
		paths := machine(t, facts)
		for _, fault := range []clouds.Fault{clouds.Silent, clouds.Forbidden, clouds.HTML, clouds.Missing} {
			server.Fail(fault)
			ended := make(chan int, 1)
			go func() { code, _, _ := call(paths, "wait"); ended <- code }()
			select {
			case code := <-ended:
				t.Error(cloud, fault, code)
			case <-time.After(300 * time.Millisecond):
			}
			server.Fail(clouds.None)
			select {
			case code := <-ended:
				if code != 0 {
					t.Error(cloud, fault, code)
				}
			case <-time.After(10 * time.Second):
				t.Fatal(cloud, fault, "still waits")
			}
		}
	}
	if code, _, text := call(machine(t, ""), "wait"); code != 1 || !strings.HasPrefix(text, "turn-agent: ") {
		t.Error(code, text)
	}
}

func TestRunWithoutFacts(t *testing.T) {
	for _, facts := range []string{"", "{", `{"cloud": "azure"}`, `{"cloud": "aws"}`, strings.Replace(awsFacts, "root", "nobody-at-all", 1)} {
		if code, _, text := call(machine(t, facts), "run"); code != 1 || !strings.HasPrefix(text, "<3>turn-agent: ") {
			t.Error(facts, code, text)
		}
	}
}
