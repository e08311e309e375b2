package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// trustStores is a machine whose stores of trust are in a folder.
type trustStores struct {
	t               *testing.T
	home, root, bin string
}

// newTrusting makes one with an authority, without stores, and with no programs but
// those that copy and print.
func newTrusting(t *testing.T) *trustStores {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the stores of Linux")
	}
	m := &trustStores{t, t.TempDir(), t.TempDir(), t.TempDir()}
	m.link("cp", "cat", "sh", "rm")
	m.fake("sudo", `exec "$@"`)
	tlsRun(t, filepath.Join(m.home, ".local", "share"), exitOK, "ca")
	return m
}

// link has programs of this machine be there.
func (m *trustStores) link(programs ...string) {
	m.t.Helper()
	for _, name := range programs {
		file, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(file, filepath.Join(m.bin, name))
		}
		if err != nil {
			m.t.Fatal(err) // scripts/setup installs what is missing
		}
	}
}

// fake has a program be there that is a shell script; what it was told goes to the log.
func (m *trustStores) fake(name, script string) {
	m.t.Helper()
	text := "#!/bin/sh\nroot=" + m.root + "\necho " + name + ` "$*" >> ` + filepath.Join(m.root, "log") + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(m.bin, name), []byte(text), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// folders makes those of a system.
func (m *trustStores) folders(names ...string) {
	m.t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(m.root, name), 0o700); err != nil {
			m.t.Fatal(err)
		}
	}
}

// trust runs freshet tls trust.
func (m *trustStores) trust(status int, args ...string) (stdout, stderr string) {
	m.t.Helper()
	p := startWith(m.t, func(e *Env) {
		e.Environ, e.TrustRoot = []string{"HOME=" + m.home, "PATH=" + m.bin}, m.root
	}, append([]string{"tls", "trust"}, args...)...)
	if got := p.wait(); got != status {
		m.t.Errorf("%v: exit status %d, want %d: %s%s", args, got, status, p.stdout, p.stderr)
	}
	return p.stdout.String(), p.stderr.String()
}

// log returns what the programs were told so far.
func (m *trustStores) log() string {
	text, _ := os.ReadFile(filepath.Join(m.root, "log"))
	return string(text)
}

// asRoot is a command as it is printed for who runs the tests.
func asRoot(command string) string {
	if os.Geteuid() != 0 {
		return "sudo " + command
	}
	return command
}

// TestTLSTrustApply: what is done is printed before it is done, by each kind of
// system, and what is done already is not done again.
func TestTLSTrustApply(t *testing.T) {
	for _, tt := range []struct {
		program, script, folder, bundle string
		prints                          []string
	}{
		{"update-ca-certificates", `cat $root/usr/local/share/ca-certificates/*.crt > $root/etc/ssl/certs/ca-certificates.crt`,
			"usr/local/share/ca-certificates", "etc/ssl/certs", []string{"cp ", "update-ca-certificates"}},
		{"update-ca-trust", `cat $root/etc/pki/ca-trust/source/anchors/*.crt > $root/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem`,
			"etc/pki/ca-trust/source/anchors", "etc/pki/ca-trust/extracted/pem", []string{"cp ", "update-ca-trust"}},
		{"trust", `cat $3 > $root/etc/ca-certificates/extracted/tls-ca-bundle.pem`,
			".", "etc/ca-certificates/extracted", []string{"trust anchor --store "}},
	} {
		t.Run(tt.program, func(t *testing.T) {
			m := newTrusting(t)
			m.folders(tt.folder, tt.bundle)
			m.fake(tt.program, "echo it was told\n"+tt.script)
			only, _ := m.trust(exitOK)
			contains(t, only, "Nothing has been changed by printing", "update-ca-certificates")
			if m.log() != "" {
				t.Fatalf("printing has run %s", m.log())
			}
			said, _ := m.trust(exitOK, "--apply")
			at := 0
			for _, want := range append(tt.prints, "it was told", "started anew") {
				if want != "it was told" && want != "started anew" {
					want = "    " + asRoot(want)
				}
				i := strings.Index(said[at:], want)
				if i < 0 {
					t.Fatalf("no %q after %q in %s", want, said[:at], said)
				}
				at += i + len(want)
			}
			ran := m.log()
			contains(t, ran, tt.program+" ")
			again, _ := m.trust(exitOK, "--apply")
			contains(t, again, "trusts it already")
			if m.log() != ran {
				t.Errorf("it was done again: %s", m.log())
			}
		})
	}
}

// TestTLSTrustApplyFails: the first command that fails ends it; what does not do
// what it says is found out; and what there is not is said.
func TestTLSTrustApplyFails(t *testing.T) {
	m := newTrusting(t)
	_, said := m.trust(exitFault, "--apply")
	contains(t, said, "there is nothing on this machine that --apply knows")

	m.fake("update-ca-certificates", "echo no room >&2; exit 3")
	_, said = m.trust(exitFault, "--apply")
	contains(t, said, "ca-certificates/freshet-", "exit status 1; nothing after it was done")
	if strings.Contains(m.log(), "update-ca-certificates") {
		t.Errorf("it went on after a failure: %s", m.log())
	}

	m.folders("usr/local/share/ca-certificates", "etc/ssl/certs")
	_, said = m.trust(exitFault, "--apply")
	contains(t, said, "no room\n", asRoot("update-ca-certificates: exit status 3; nothing after it was done"))
	printed, _ := m.trust(exitFault, "--apply") // the copy is there
	if strings.Contains(printed, "cp ") || !strings.Contains(printed, "    "+asRoot("update-ca-certificates")) {
		t.Errorf("after a failure: %s", printed)
	}

	m.fake("update-ca-certificates", "")
	_, said = m.trust(exitFault, "--apply")
	contains(t, said, "it was told, and does not trust the authority")

	m.fake("update-ca-certificates", `cat $root/usr/local/share/ca-certificates/*.crt > $root/etc/ssl/certs/ca-certificates.crt`)
	profile := filepath.Join(m.home, ".mozilla", "firefox", "x.default")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "cert9.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, said = m.trust(exitFault, "--apply")
	contains(t, said, "NSS database "+profile, "certutil is in no folder of PATH; install libnss3-tools")

	_, said = tlsRun(t, t.TempDir(), exitFault, "trust", "--apply")
	contains(t, said, "there is no authority in ")
	_, said = tlsRun(t, t.TempDir(), exitUsage, "ca", "--apply")
	contains(t, said, "--apply")
}

// TestTLSTrustApplyReally: Debian's update-ca-certificates, in folders of the
// test's, and NSS databases, as Chrome's and Firefox's, trust what the authority
// signs, and did not before.
func TestTLSTrustApplyReally(t *testing.T) {
	update, err := exec.LookPath("update-ca-certificates")
	if err != nil {
		t.Skip("a system of another kind than Debian's")
	}
	m := newTrusting(t)
	m.link("certutil")
	m.folders("usr/local/share/ca-certificates", "etc/ssl/certs", "hooks")
	if err := os.WriteFile(filepath.Join(m.root, "conf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.fake("update-ca-certificates", "PATH=/usr/sbin:/usr/bin:/sbin:/bin exec "+update+` "$@" --certsconf $root/conf --certsdir $root/hooks --localcertsdir $root/usr/local/share/ca-certificates --etccertsdir $root/etc/ssl/certs --hooksdir $root/hooks`)
	signed := filepath.Join(m.root, "shop.pem")
	tlsRun(t, filepath.Join(m.home, ".local", "share"), exitOK, "cert", "shop.test", "--out", signed, "--key", signed+".key")
	certutil := func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "certutil", args...).CombinedOutput()
		return string(out), err
	}
	databases := []string{filepath.Join(m.home, ".pki", "nssdb"), filepath.Join(m.home, ".mozilla", "firefox", "a b.default")}
	valid := func(db string) bool {
		_, err := certutil("-V", "-d", "sql:"+db, "-u", "V", "-n", "shop")
		return err == nil
	}
	for _, db := range databases {
		if err := os.MkdirAll(db, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", ",,", "-n", "shop", "-i", signed}} {
			if out, err := certutil(append([]string{"-d", "sql:" + db}, args...)...); err != nil {
				t.Fatal(out, err)
			}
		}
		if valid(db) {
			t.Fatal("it is trusted before")
		}
	}
	said, _ := m.trust(exitOK, "--apply")
	for _, db := range databases {
		contains(t, said, "NSS database "+db)
		if !valid(db) {
			t.Errorf("%s does not trust it: %s", db, said)
		}
	}
	if out, good := verifyOpenSSL(t, "-CAfile", filepath.Join(m.root, "etc/ssl/certs/ca-certificates.crt"), "-verify_hostname", "shop.test", signed); !good {
		t.Errorf("the system does not trust it: %s", out)
	}
	again, _ := m.trust(exitOK, "--apply")
	if n := strings.Count(again, "trusts it already"); n != 3 {
		t.Errorf("%d of 3 stores trust it: %s", n, again)
	}
	// A database that knows the authority and does not trust it is told.
	if out, err := certutil("-M", "-d", "sql:"+databases[0], "-t", ",,", "-n", strings.TrimSpace(strings.TrimPrefix(strings.SplitN(again, "\n", 2)[0], "Authority"))); err != nil {
		t.Fatal(out, err)
	}
	again, _ = m.trust(exitOK, "--apply")
	if n := strings.Count(again, "trusts it already"); n != 2 || !valid(databases[0]) {
		t.Errorf("after trust was taken back: %s", again)
	}
}
