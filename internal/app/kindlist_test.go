package app

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/fleet"
	"freshet/internal/config"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

// A job has a proxy look at its lists, says what has become of each, and fails
// when one cannot be read.
func TestListUpdateJob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	var text atomic.Pointer[string]
	publish := func(s string) { text.Store(&s) }
	publish("||a.example^\n")
	lists := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s := *text.Load(); s != "" {
			io.WriteString(w, s)
			return
		}
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}))
	t.Cleanup(lists.Close)
	mine := filepath.Join(t.TempDir(), "mine.txt")
	if err := os.WriteFile(mine, []byte("||m.example^\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, home := monitored(t, "filter", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", "--allow-private", "--list", "ads="+lists.URL, "--list", "mine="+mine)
	p.monitor() // it can be reached
	update := func(status int, reason, want string) {
		t.Helper()
		got, stdout, stderr := command(t, home, "job", "submit", "--wait", "--kind", "list-update")
		_, log, _ := command(t, home, "job", "logs", strings.TrimSpace(stdout))
		if got != status || !strings.Contains(stderr, reason) || log != want {
			t.Errorf("%d, %q, %q; want %d, %q, %q", got, stderr, log, status, reason, want)
		}
	}
	update(exitOK, "", "ads: unchanged, 1 rule\nmine: unchanged, 1 rule\n")
	publish("||a.example^\n||b.example^\n||c.example^\n")
	update(exitOK, "", "ads: updated: 1 → 3 rules\nmine: unchanged, 1 rule\n")
	publish("")
	update(exitFault, "1 of 2 lists could not be updated: ads", "ads: failed: the answer is 503 Service Unavailable; the edition before stays, 3 rules\nmine: unchanged, 1 rule\n1 of 2 lists could not be updated: ads\n")
	publish("||a.example^\n")
	update(exitOK, "", "ads: updated: 3 → 1 rule\nmine: unchanged, 1 rule\n")

	for _, args := range [][]string{{"--param", "force=yes"}, {"http://lists.example/"}} {
		got, _, stderr := command(t, home, append([]string{"job", "submit", "--kind", "list-update"}, args...)...)
		if got != exitFault || !strings.Contains(stderr, "there is no parameter") {
			t.Errorf("%q: %d, %q", args, got, stderr)
		}
	}
}

// A server takes no job that only a server like it could do, and that it cannot.
func TestOwnKindsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	p, home := monitored(t, "filter", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", "--cache=false")
	p.monitor() // it can be reached
	for kind, want := range map[string]string{
		"list-update": "kind list-update: this server filters by no lists",
		"purge":       "kind purge: this server keeps no answers",
		"precompress": "kind precompress: this server serves no folder",
		"scrub":       "kind scrub: this server has no cache on disk",
	} {
		args := []string{"job", "submit", "--kind", kind}
		if kind == "purge" {
			args = append(args, "http://a.example/")
		}
		if got, stdout, stderr := command(t, home, args...); got != exitFault || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %q, %q", kind, got, stdout, stderr)
		}
	}
}

// A job that says nothing to do is refused when it is submitted: by the command,
// with or without a server, and by a server that another program asks.
func TestJobsOfNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	contains(t, fails(t, exitUsage, "job", "submit", "--kind", "bogus"), `bad value "bogus" for --kind: give check, list-update, precompress, purge, scrub or warm`)
	p, home := monitored(t, "proxy", "--to", "http://"+wiretest.Reserve(t), "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1")
	p.monitor() // it can be reached
	conn, err := reach(&Env{Environ: []string{"HOME=" + home}}, &config.Reach{})
	if err != nil {
		t.Fatal(err)
	}
	other := &fleet.Client{Send: conn.Send, Refused: conn.Refused}
	for _, tt := range []struct {
		args []string
		spec jobs.Spec
		want string
	}{
		{[]string{"--kind", "warm"}, jobs.Spec{Kind: "warm"}, "kind warm: there is nothing to fetch: name addresses, or the parameter sitemap"},
		{[]string{"--kind", "warm", "/a"}, jobs.Spec{Kind: "warm", Params: map[string]string{"urls": "/a"}}, `kind warm: "/a" is no http or https URL`},
		{[]string{"--kind", "warm", "--param", "url=http://a.example/"}, jobs.Spec{Kind: "warm", Params: map[string]string{"url": "http://a.example/"}}, `there is no parameter "url": there are urls, sitemap`},
		{[]string{"--kind", "check"}, jobs.Spec{Kind: "check"}, "kind check: there is nothing to check: name addresses, or the parameter sitemap"},
		{[]string{"--kind", "purge"}, jobs.Spec{Kind: "purge"}, "kind purge: there is nothing to purge: name addresses, or tags, hosts, prefixes, where, all"},
		{nil, jobs.Spec{Kind: "bogus"}, `nobody here has a kind of work called "bogus"; there are check, purge, warm`},
	} {
		if tt.args != nil {
			status, stdout, stderr := command(t, home, append([]string{"job", "submit"}, tt.args...)...)
			if status != exitFault || stdout != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("%v: %d, %q, %q", tt.args, status, stdout, stderr)
			}
			if status, _, stderr := command(t, t.TempDir(), append([]string{"job", "submit"}, tt.args...)...); status != exitFault || !strings.Contains(stderr, tt.want) {
				t.Errorf("without a server, %v: %d, %q", tt.args, status, stderr)
			}
		}
		if _, err := other.Submit(t.Context(), tt.spec); !errors.Is(err, jobs.ErrSpec) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.spec, err)
		}
	}
	if _, list, _ := command(t, home, "job", "list"); !strings.Contains(list, "no jobs") {
		t.Errorf("there are jobs: %q", list)
	}
	p.stop()
}
