//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/control"
	"freshet/internal/mailtest"
	"freshet/jobs"
)

var alertsOver = flag.Bool("faults.alerts", false, "wait until alerts are over, too, which takes four minutes")

// told waits for mails until each notice has come that is wanted, and returns all
// that came.
func told(t *testing.T, p *mailtest.Post, want ...string) string {
	t.Helper()
	all := ""
	for {
		want = slices.DeleteFunc(want, func(one string) bool { return strings.Contains(all, one) })
		if len(want) == 0 {
			return all
		}
		all += strings.ReplaceAll(p.Read(t), "\r\n", "\n")
	}
}

// TestAlerts kills a worker until its job is dead, and a cache while something is
// purged. Each is told by a mail that OpenSSL verifies; once, also when the hub is
// killed meanwhile; and it is over when they are back.
func TestAlerts(t *testing.T) {
	long(t, "it takes some forty seconds")
	t.Parallel()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		io.WriteString(w, "page")
	}))
	defer origin.Close()
	p := mailtest.NewPost(t, mailtest.Options{})
	cached := []string{"proxy", "--to", origin.URL, "--listen", "127.0.0.1:0"}
	s := newShape(t, plan{workers: 1, hub: cached, change: func(s *shape, n *node) {
		if strings.HasPrefix(n.name, "hub") {
			n.args = slices.Concat(n.args, p.Args, []string{"--alert-rule", "server-gone: > 5s", "--alert-rule", "purge-unconfirmed: > 5s"})
		}
	}})
	worker := s.workers[0]
	cache := &node{name: "cache", args: append(cached, "--monitor", "off", "--access-log", "off", "--data", filepath.Join(s.dir, "cache")),
		env: []string{"FRESHET_JOIN=" + s.invite(t, "cache-1")}, ready: regexp.MustCompile(`the fleet's purges are known up to now`)}
	begin(t, cache)

	late := time.Now().Add(8 * time.Minute)
	id := insist(t, s, late, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) {
		return c.Submit(ctx, jobs.Spec{Name: "nightly", Command: []string{"sleep", "1000"}, Needs: map[string]string{"number": "1"}, Key: "one"})
	})[0]
	await := func(is func(*jobs.Info) bool) (info jobs.Info) {
		t.Helper()
		for {
			info = insist(t, s, late, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Job(ctx, id) })
			if is(&info) {
				return info
			}
			if time.Now().After(late) {
				t.Fatalf("the job is %s: %v", info.State, info.Counts)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	runs := func(info *jobs.Info) bool { return info.Counts[jobs.Running] > 0 }
	for {
		await(runs)
		worker.end(syscall.SIGKILL)
		if info := await(func(info *jobs.Info) bool { return !runs(info) }); info.State == jobs.Dead {
			break
		}
		if _, err := worker.start(); err != nil {
			t.Fatal(err)
		}
	}
	cache.end(syscall.SIGKILL)
	door, err := control.Find(s.datas[0], "")
	if err != nil {
		t.Fatal(err)
	}
	a, err := door.Purge(t.Context(), control.Request{URLs: []string{origin.URL + "/page"}})
	if err != nil {
		t.Fatal(err)
	}
	gone := []string{"critical: server-gone (worker-1)", "critical: server-gone (cache-1)"}
	unconfirmed := "warning: purge-unconfirmed (cache-1)"
	all := told(t, p, append(gone, unconfirmed, fmt.Sprintf("warning: job-dead (%s nightly)", id), "The purge "+a.Receipt.ID+" is not confirmed.")...)

	// The hub is killed, too, and nothing is told again, nor taken for well; a notice
	// of which it has not written yet that it arrived would be, under the same id.
	for kept := ""; !strings.Contains(kept, "purge-unconfirmed") || strings.Contains(kept, `"waiting"`); {
		if time.Now().After(late) {
			t.Fatalf("kept: %s", kept)
		}
		time.Sleep(20 * time.Millisecond)
		text, _ := os.ReadFile(filepath.Join(s.datas[0], "alerts.json")) // "" until it is there
		kept = string(text)
	}
	if err := s.hub.again(0); err != nil {
		t.Fatal(err)
	}
	rules := func() map[string][2]string {
		door, err := control.Find(s.datas[0], "")
		if err != nil {
			return nil
		}
		text, err := door.Get(t.Context(), "/alerts.json?limit=1000", nil)
		var list struct {
			Rows []struct{ State, Rule, Subject, Value string }
		}
		if err != nil || json.Unmarshal(text, &list) != nil {
			return nil
		}
		by := map[string][2]string{}
		for _, r := range list.Rows {
			by[strings.TrimSpace(r.Rule+" "+r.Subject)] = [2]string{r.State, r.Value}
		}
		return by
	}
	for is := rules(); is["memory"][0] != "ok"; is = rules() { // until it has looked
		if time.Now().After(late) {
			t.Fatalf("%v", is)
		}
		time.Sleep(50 * time.Millisecond)
	}
	is := rules()
	for _, one := range []string{"server-gone worker-1", "server-gone cache-1", "purge-unconfirmed cache-1", "job-dead " + string(id) + " nightly"} {
		if is[one][0] != "raised" || strings.HasSuffix(is[one][1], "ms") {
			t.Errorf("%s after the restart: %v", one, is[one])
		}
	}
	if *alertsOver {
		time.Sleep(80 * time.Second) // longer than what is well takes to be over
	}
	p.None(t)
	if n := strings.Count(all, "\nOver "); n != 0 {
		t.Errorf("%d are over: %s", n, all)
	}
	if !*alertsOver {
		return
	}
	for _, n := range []*node{worker, cache} {
		if _, err := n.start(); err != nil {
			t.Fatal(err)
		}
	}
	for is = rules(); is == nil || is["server-gone worker-1"][0] == "raised" || is["server-gone cache-1"][0] == "raised" || is["purge-unconfirmed cache-1"][0] == "raised"; is = rules() {
		if time.Now().After(late) {
			t.Fatalf("%v", is)
		}
		time.Sleep(100 * time.Millisecond)
	}
	told(t, p, "over: server-gone (worker-1)", "over: server-gone (cache-1)", "over: purge-unconfirmed (cache-1)")
}
