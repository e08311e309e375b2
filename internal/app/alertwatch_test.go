package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/alert"
)

// A sentry is a server that looks at its figures when the test says so, at the time
// that the test says, and tells a webhook of the test.
type sentry struct {
	*program
	t    *testing.T
	home string
	data string
	args []string

	looks  chan time.Time
	looked chan struct{}
	now    time.Time // of the alerts; it goes on over a restart
	told   chan alert.Notice

	counted atomic.Int64 // requests
	looksUp int          // pages of the monitor
}

// watch starts one, whose state is in a folder; "" for a new one.
func watch(t *testing.T, data string, args ...string) *sentry {
	t.Helper()
	if data == "" {
		data = t.TempDir()
	}
	s := &sentry{t: t, home: t.TempDir(), data: data, looks: make(chan time.Time), looked: make(chan struct{}, 1), now: time.Now(), told: make(chan alert.Notice, 100)}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n alert.Notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Errorf("a notice: %v", err)
		}
		s.told <- n
	}))
	t.Cleanup(hook.Close)
	s.args = append(slices.Clone(args), "--monitor", "127.0.0.1:0", "--access-log", "off", "--data", data, "--alert-webhook", hook.URL)
	s.begin()
	return s
}

func environ(home string) []string { return []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")} }

func (s *sentry) begin(more ...string) {
	s.program = startWith(s.t, func(e *Env) {
		e.Environ, e.Sink = environ(s.home), s
		e.AlertLooks, e.AlertLooked = s.looks, func() { s.looked <- struct{}{} }
	}, append(slices.Clone(s.args), more...)...)
	s.stderr.wait(s.t, `(?m)^alerts go by webhook`)
}

// again restarts it, with what its flags say besides, and has it look.
func (s *sentry) again(more ...string) {
	s.t.Helper()
	s.arrived()
	s.stop()
	s.begin(more...)
	s.pass(0)
}

// pass lets time pass, and returns when all has been looked at.
func (s *sentry) pass(d time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(d)
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case s.looks <- s.now:
	case <-late.C:
		s.t.Fatal("nobody looks")
	}
	select {
	case <-s.looked:
	case <-late.C:
		s.t.Fatal("a look does not end")
	}
}

// next waits for the next notice, which must be this one.
func (s *sentry) next(kind alert.Kind, rule, subject string) alert.Notice {
	s.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	var n alert.Notice
	select {
	case n = <-s.told:
	case <-late.C:
		s.t.Fatalf("nobody is told that %s is %s; the server said %s", rule, kind, s.stderr)
	}
	if n.Kind != kind || n.Rule != rule || !strings.Contains(n.Subject, subject) {
		s.t.Fatalf("told %s %s (%s: %s), want %s %s (%s)", n.Kind, n.Rule, n.Subject, n.Shown, kind, rule, subject)
	}
	return n
}

// over waits for the notice that an alert is over.
func (s *sentry) over(raised alert.Notice) {
	s.t.Helper()
	if n := s.next(alert.OverNotice, raised.Rule, raised.Subject); n.Alert != raised.Alert {
		s.t.Errorf("%+v is over; want %s", n, raised.Alert)
	}
}

// token is by which workers join.
func (s *sentry) token() string {
	s.t.Helper()
	return s.stderr.wait(s.t, `(?m)^fleet on \S+; on another machine: freshet worker --join (\S+)$`)
}

// rows are those of a page of the monitor, about one rule, or "", as they are now: the
// same question would have the answer of a second ago.
func rows[T any](s *sentry, page, rule string) []T {
	s.t.Helper()
	s.looksUp++
	_, body := get(s.t, s.monitor()+page+"?q="+rule+"&limit="+strconv.Itoa(100+s.looksUp))
	var list struct{ Rows []T }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		s.t.Fatalf("%v: %s", err, body)
	}
	return list.Rows
}

// await asks the monitor until all is as wanted.
func (s *sentry) await(what string, is func() bool) {
	s.t.Helper()
	for until := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			s.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// arrived waits until the server knows that all notices have arrived: another one
// would be told again, by the same name, after a restart.
func (s *sentry) arrived() {
	s.t.Helper()
	s.await("notices arrive", func() bool {
		ways := rows[struct{ Waiting int }](s, "alerts/ways.json", "")
		return len(ways) == 1 && ways[0].Waiting == 0
	})
}

// until looks until a rule is as wanted.
func (s *sentry) until(rule, state string) {
	s.t.Helper()
	s.await(rule+" is "+state, func() bool {
		s.pass(0)
		list := rows[alertLine](s, "alerts.json", rule)
		return len(list) == 1 && list[0].State == state
	})
}

// end stops it; nobody was told more than what the test knows.
func (s *sentry) end() {
	s.t.Helper()
	s.stop()
	for len(s.told) > 0 {
		n := <-s.told
		s.t.Errorf("told besides: %s %s (%s: %s)", n.Kind, n.Rule, n.Subject, n.Shown)
	}
}

// Record implements httpd.Sink: it is called when a request is counted.
func (s *sentry) Record(*httpd.Record) { s.counted.Add(1) }

// ask sends requests, some at a time, reads the answers, and waits until they are
// counted.
func (s *sentry) ask(n, atOnce int, url func(i int) string) {
	t := s.t
	t.Helper()
	before := s.counted.Load()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}, Timeout: patience}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for first := range atOnce {
		all.Go(func() {
			for i := first; i < n; i += atOnce {
				resp, err := client.Get(url(i))
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	s.await("requests are counted", func() bool { return s.counted.Load() == before+int64(n) })
}

// the is one address, and each are addresses that differ.
func the(url string) func(int) string { return func(int) string { return url } }

func each(url string) func(int) string {
	return func(i int) string { return url + strconv.Itoa(i) }
}
