package agent

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"turn-agent/internal/image"
)

// Owner is the user of turnserver.
type Owner struct{ UID, GID int }

// writer performs changes, one small method each. It stops at the first error, and the next poll tries again.
type writer struct {
	paths image.Paths
	owner Owner
}

// write brings the machine from any state to this one, as far as the changes say. It leaves coturn alone.
func (w writer) write(ctx context.Context, changes Changes, s State) error {
	for _, step := range []struct {
		needed bool
		name   string
		do     func(context.Context, State) error
	}{
		{changes.Certificate, "certificate", w.certificate},
		{changes.Database, "database", w.database},
		{changes.Kernel, "kernel", w.kernel},
		{changes.Firewall, "firewall", w.firewall},
		{changes.Drain, "drain-seconds", w.drain},
		{changes.Keys, "SSH keys", w.keys},
		{changes.Configuration, "configuration", w.configuration},
	} {
		if step.needed {
			if err := step.do(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
		}
	}
	return nil
}

func (w writer) configuration(_ context.Context, s State) error {
	return replaceIfChanged(w.paths.Configuration(), s.Configuration, 0o640, w.owner.GID)
}

func (w writer) certificate(_ context.Context, s State) error {
	for name, content := range map[string][]byte{"certificate.pem": s.Certificate, "key.pem": s.Key} {
		if len(content) == 0 {
			if err := remove(w.paths.Run(name)); err != nil {
				return err
			}
		} else if err := replace(w.paths.Run(name), content, 0o640, w.owner.GID); err != nil {
			return err
		}
	}
	return nil
}

// database replaces all shared secrets in one transaction, as turnserver's user, who owns the file. turnserver reads the
// table for each request, so sessions go on.
func (w writer) database(ctx context.Context, s State) error {
	_, err := run(ctx, w.credential(), secretsSQL(s.Realms, s.Secrets), "sqlite3", "-batch", "-bail", w.paths.Database())
	return err
}

// credential is nil where the agent is turnserver's user itself, as in tests.
func (w writer) credential() *syscall.Credential {
	if w.owner.UID == os.Getuid() {
		return nil
	}
	return &syscall.Credential{Uid: uint32(w.owner.UID), Gid: uint32(w.owner.GID)}
}

func secretsSQL(realms, secrets []string) string {
	var sql strings.Builder
	sql.WriteString(".timeout 10000\nBEGIN IMMEDIATE;\n")
	sql.WriteString("CREATE TABLE IF NOT EXISTS turn_secret (realm varchar(127) default '', value varchar(256), primary key (realm,value));\n")
	sql.WriteString("DELETE FROM turn_secret;\n")
	for _, realm := range realms {
		for _, secret := range secrets {
			fmt.Fprintf(&sql, "INSERT INTO turn_secret (realm, value) VALUES (%s, %s);\n", quoteSQL(realm), quoteSQL(secret))
		}
	}
	sql.WriteString("COMMIT;\n")
	return sql.String()
}

// quoteSQL writes a text as hexadecimal digits, which can hold nothing that SQL or sqlite3's own commands would read.
func quoteSQL(text string) string {
	return "CAST(X'" + hex.EncodeToString([]byte(text)) + "' AS TEXT)"
}

func (w writer) kernel(_ context.Context, s State) error {
	if err := setKernel(w.paths.Kernel("ip_local_port_range"), s.Kernel.Own); err != nil {
		return err
	}
	return setKernel(w.paths.Kernel("ip_local_reserved_ports"), s.Kernel.Reserved)
}

func (w writer) firewall(ctx context.Context, s State) error {
	file := w.paths.Run("nftables.conf")
	if err := replace(file, s.Firewall, 0o600, -1); err != nil {
		return err
	}
	_, err := run(ctx, nil, "", "nft", "-f", file)
	return err
}

func (w writer) drain(_ context.Context, s State) error {
	return replace(w.paths.Run("drain-seconds"), []byte(strconv.Itoa(s.DrainSeconds)+"\n"), 0o644, -1)
}

// keys are read by sshd as the user who logs in. Without any, there is no file.
func (w writer) keys(_ context.Context, s State) error {
	if len(s.AuthorizedKeys) == 0 {
		return remove(w.paths.Run("authorized_keys"))
	}
	return replace(w.paths.Run("authorized_keys"), s.AuthorizedKeys, 0o644, -1)
}
