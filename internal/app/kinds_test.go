package app

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"freshet/internal/control"
	"freshet/jobs"
)

// heard is a Reporter that keeps what it is told.
type heard struct{ text strings.Builder }

func (h *heard) Progress(float64, string) {}
func (h *heard) Print(format string, args ...any) {
	fmt.Fprintf(&h.text, format+"\n", args...)
}

// asked is a purger that notes what it is asked for.
type askedPurges struct {
	all    []control.Request
	faults []string
	err    error
}

func (a *askedPurges) Purge(q *control.Request) (*control.Answer, error) {
	a.all = append(a.all, *q)
	return &control.Answer{Purged: make([]int, len(q.URLs)), Faults: a.faults}, a.err
}

func TestPurgeKind(t *testing.T) {
	for name, x := range map[string]struct {
		params map[string]string
		want   string // the request in words, or the reason
		exit   int
	}{
		"urls":    {map[string]string{"urls": "http://a/\nhttp://b/x"}, "urls [http://a/ http://b/x]", 0},
		"by more": {map[string]string{"tags": "t u", "hosts": "h", "prefixes": "http://p/", "where": "size > 1\n\nage > 2", "soft": "yes"}, "tags [t u] hosts [h] prefixes [http://p/] where [size > 1 age > 2] soft", 0},
		"all":     {map[string]string{"all": "yes", "soft": "no"}, "all", 0},
		"nothing": {map[string]string{"all": "no"}, "nothing to purge", exitUsage},
		"neither": {map[string]string{"all": "maybe"}, "neither yes nor no", exitUsage},
		"unknown": {map[string]string{"url": "http://a/"}, `no parameter "url"`, exitUsage},
	} {
		p := &askedPurges{}
		r := purgeKind(p)(t.Context(), &jobs.Task{Lease: jobs.Lease{Job: "00abcdefg", Task: -7}, Spec: jobs.Spec{Params: x.params}}, &heard{})
		got := r.Reason
		if len(p.all) == 1 {
			got = inWords(&p.all[0])
			if id := p.all[0].ID; id != "job-00abcdefg--7" {
				t.Errorf("%s: the receipt is to be called %q", name, id)
			}
		}
		if r.Exit != x.exit || !strings.Contains(got, x.want) {
			t.Errorf("%s: exit %d, %q", name, r.Exit, got)
		}
	}
}

func inWords(q *control.Request) string {
	var words []string
	for _, list := range []struct {
		name   string
		values []string
	}{{"urls", q.URLs}, {"tags", q.Tags}, {"hosts", q.Hosts}, {"prefixes", q.Prefixes}, {"where", q.Where}} {
		if len(list.values) > 0 {
			words = append(words, fmt.Sprint(list.name, " ", list.values))
		}
	}
	if q.All {
		words = append(words, "all")
	}
	if q.Soft {
		words = append(words, "soft")
	}
	return strings.Join(words, " ")
}

// What is wrong with a purge is the task's failure.
func TestPurgeKindFails(t *testing.T) {
	for _, p := range []*askedPurges{{err: errors.New("no room")}, {faults: []string{"no room"}}} {
		h := &heard{}
		r := purgeKind(p)(t.Context(), &jobs.Task{Spec: jobs.Spec{Params: map[string]string{"urls": "http://a/"}}}, h)
		if r.Exit != exitFault || !strings.Contains(r.Reason, "no room") {
			t.Errorf("%+v, %q", r, &h.text)
		}
	}
}

// A job purges what a server keeps, once; run again, it leaves what was stored
// since.
func TestPurgeJob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	origin, asked := counting(t)
	p, home := monitored(t, "proxy", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--to", origin.URL, "--jobs", "1")
	p.monitor() // it can be reached
	url := p.url()
	want := func(n int64) {
		t.Helper()
		get(t, url)
		if got := asked.Load(); got != n {
			t.Errorf("the origin was asked %d times, want %d", got, n)
		}
	}
	want(1)
	want(1)
	submit := func(status int, args ...string) (id string) {
		t.Helper()
		got, stdout, stderr := command(t, home, append([]string{"job", "submit", "--wait", "--kind", "purge"}, args...)...)
		if got != status {
			t.Fatalf("%v: exit status %d\n%s%s", args, got, stdout, stderr)
		}
		return strings.TrimSpace(stdout)
	}
	id := submit(exitOK, url)
	want(2)
	_, text, _ := command(t, home, "job", "logs", id)
	if !regexp.MustCompile(`^` + regexp.QuoteMeta(url) + `: 1 answer\nreceipt job-` + id + `-0: `).MatchString(text) {
		t.Errorf("%q", text)
	}
	if _, text, _ = command(t, home, "purge", "--receipts"); !strings.Contains(text, "receipt job-"+id+"-0: ") {
		t.Errorf("%q", text)
	}
	submit(exitFault, "--param", "where=nonsense")
	submit(exitOK, "--param", "all=yes")
	want(3)
}
