package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

// TestTLSAutoOfAFleet: of a hub and a member with the same name one orders, both
// serve, and the one that the authority does not reach is answered for by the
// other; the member serves with the hub away, and after a restart then.
func TestTLSAutoOfAFleet(t *testing.T) {
	plain, dir := wiretest.Reserve(t), t.TempDir()
	a := acmetest.Start(t, acmetest.Options{HTTP: plain})
	pages := folder(t, "index.html", "hello")
	args := func(of, listen, secure string, more ...string) []string {
		return append([]string{"serve", "--listen", listen, "--tls-listen", secure, "--data", filepath.Join(dir, of), "--tls-auto", "shop.example.org", "--tls-auto-fleet",
			"--tls-auto-directory", a.Directory, "--tls-auto-ca", a.File, "--tls-auto-data", filepath.Join(dir, of, "certificates"), pages}, more...)
	}
	hubTLS, memberTLS := wiretest.Reserve(t), wiretest.Reserve(t)
	home := func(of string) []string { return append([]string{"HOME=" + filepath.Join(dir, of)}, noMonitor...) }
	for _, of := range []string{"hub", "member"} {
		if err := os.Mkdir(filepath.Join(dir, of), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	hub := startWith(t, func(e *Env) { e.Environ = home("hub") }, args("hub", wiretest.Reserve(t), hubTLS, "--fleet", "127.0.0.1:0")...)
	hub.stderr.wait(t, `freshet worker --join (\S+)`)
	status, token, told := command(t, filepath.Join(dir, "hub"), "worker", "invite", "--serves", "--data", filepath.Join(dir, "hub"), "member")
	if status != exitOK {
		t.Fatal(told)
	}
	with := args("member", plain, memberTLS, "--join", strings.TrimSpace(token))
	member := startWith(t, func(e *Env) { e.Environ = home("member") }, with...)
	member.stderr.wait(t, `fleet: (joined) as`)
	issued(t, hub, hubTLS, "shop.example.org", a.Issued())
	issued(t, member, memberTLS, "shop.example.org", a.Issued())
	one, err := leaf(hubTLS, "shop.example.org", a.Issued())
	if err != nil {
		t.Fatal(err)
	}
	two, err := leaf(memberTLS, "shop.example.org", a.Issued())
	if err != nil || !one.Equal(two) {
		t.Errorf("they have not the same: %v", err)
	}
	hub.stop()
	if again, err := leaf(memberTLS, "shop.example.org", a.Issued()); err != nil || !again.Equal(one) {
		t.Errorf("with the hub away: %v", err)
	}
	member.stop()
	member = startWith(t, func(e *Env) { e.Environ = home("member") }, with...)
	member.stderr.wait(t, `a certificate for (shop\.example\.org) is valid until`)
	until(t, "the member serves what it had", func() bool {
		again, err := leaf(memberTLS, "shop.example.org", a.Issued())
		return err == nil && again.Equal(one) && time.Now().Before(again.NotAfter)
	})
	member.stop()
}
