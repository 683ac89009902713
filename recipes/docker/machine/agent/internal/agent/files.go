package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// keep returns the variables of the environment with these names.
func keep(names ...string) []string {
	var kept []string
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

// replace writes a file atomically: a reader sees the old or the new one, also after a power failure. The group is
// changed only if it isn't -1.
func replace(path string, content []byte, mode os.FileMode, group int) error {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if group >= 0 {
		if err := file.Chown(-1, group); err != nil {
			return err
		}
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// remove deletes a file that may be missing.
func remove(path string) error {
	if err := os.Remove(path); !os.IsNotExist(err) {
		return err
	}
	return nil
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// replaceIfChanged spares the disk where the content is the same.
func replaceIfChanged(path string, content []byte, mode os.FileMode, group int) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	return replace(path, content, mode, group)
}

// setKernel writes a setting of the kernel. These files can't be replaced.
func setKernel(path, value string) error {
	if old, err := os.ReadFile(path); err == nil && strings.Join(strings.Fields(string(old)), " ") == value {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(value + "\n")
	return err
}
