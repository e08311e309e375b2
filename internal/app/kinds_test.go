package app

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

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
	for kind, want := range map[string]string{"scrub": "kind scrub: this server has no cache on disk", "purge": "kind purge: there is nothing to purge"} {
		if got, _, told := command(t, home, "job", "submit", "--kind", kind); got != exitFault || !strings.Contains(told, want) {
			t.Errorf("%s: %d, %q", kind, got, told)
		}
	}
	submit(exitOK, "--param", "all=yes")
	want(3)
}

// A job reads back what the cache has on disk, and removes what is broken.
func TestScrubJob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		io.WriteString(w, strings.Repeat("x", 200_000))
	}))
	t.Cleanup(origin.Close)
	data, keys := t.TempDir(), filepath.Join(t.TempDir(), "disk.keys")
	sealKeys(t, keys, "k1")
	p, _ := monitored(t, "proxy", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--to", origin.URL, "--jobs", "1", "--data", data, "--encrypt", keys)
	p.monitor() // it can be reached
	get(t, p.url())
	bodies := func() (list []string) {
		filepath.WalkDir(filepath.Join(data, "objects", "objects"), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			if info, err := d.Info(); err == nil && info.Size() == 200_000 {
				list = append(list, path)
			}
			return nil
		})
		return list
	}
	// Storing goes on behind the answer.
	deadline := time.Now().Add(time.Minute)
	for len(bodies()) == 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if len(bodies()) != 1 {
		t.Fatalf("%q", bodies())
	}
	scrub := func(status int, want string, args ...string) {
		t.Helper()
		got, stdout, stderr := command(t, data, append([]string{"job", "submit", "--data", data, "--wait", "--kind", "scrub"}, args...)...)
		_, text, _ := command(t, data, "job", "logs", "--data", data, strings.TrimSpace(stdout))
		if got != status || !strings.Contains(text+stderr, want) {
			t.Errorf("%v: %d, %q, %q", args, got, stderr, text)
		}
	}
	scrub(exitOK, "1 objects, 200000 bytes of bodies were read back; removed, because they were not what was written: 0", "--param", "rate=20MiB")
	scrub(exitFault, "no size", "--param", "rate=fast")
	scrub(exitFault, "neither yes nor no", "--param", "reseal=maybe")
	scrub(exitOK, "need key k1: 1 objects, 2 other files")
	scrub(exitOK, "sealed anew: 0\n", "--param", "reseal=yes")
	scrub(exitFault, `no parameter "urls"`, "http://example.com/")
	f, err := os.OpenFile(bodies()[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("y"), 100_000); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	scrub(exitOK, "not what was written: 1")
}
