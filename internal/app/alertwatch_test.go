package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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

	looks chan time.Time
	now   time.Time // of the alerts; it goes on over a restart
	told  chan alert.Notice
}

// watch starts one, whose state is in a folder; "" for a new one.
func watch(t *testing.T, data string, args ...string) *sentry {
	t.Helper()
	if data == "" {
		data = t.TempDir()
	}
	s := &sentry{t: t, home: t.TempDir(), data: data, looks: make(chan time.Time), now: time.Now(), told: make(chan alert.Notice, 100)}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n alert.Notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Errorf("a notice: %v", err)
		}
		s.told <- n
	}))
	t.Cleanup(hook.Close)
	s.args = append(slices.Clone(args), "--access-log", "off", "--data", data, "--alert-webhook", hook.URL)
	if !slices.Contains(args, "--monitor") {
		s.args = append(s.args, "--monitor", "off")
	}
	s.begin()
	return s
}

func environ(home string) []string { return []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")} }

func (s *sentry) begin(more ...string) {
	s.program = startWith(s.t, func(e *Env) { e.Environ, e.AlertLooks = environ(s.home), s.looks }, append(slices.Clone(s.args), more...)...)
	s.stderr.wait(s.t, `(?m)^alerts go by webhook`)
}

// again restarts it, with what its flags say besides, and has it look.
func (s *sentry) again(more ...string) {
	s.t.Helper()
	s.kept()
	s.stop()
	s.begin(more...)
	s.pass(0)
}

// pass lets time pass, and returns when all has been looked at: the second look, at
// the same time, begins when the first has ended.
func (s *sentry) pass(d time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(d)
	late := time.NewTimer(patience)
	defer late.Stop()
	for range 2 {
		select {
		case s.looks <- s.now:
		case <-late.C:
			s.t.Fatal("nobody looks")
		}
	}
}

// next waits for the next notice, which must be this one, and for its being
// written down that it has arrived: what is not written is told again.
func (s *sentry) next(kind alert.Kind, rule, subject string) alert.Notice {
	s.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	var n alert.Notice
	select {
	case n = <-s.told:
	case <-late.C:
		s.t.Fatalf("nobody is told that %s is %s", rule, kind)
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

// kept waits until it is written that all notices have arrived.
func (s *sentry) kept() {
	s.t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(s.data, alertsFile))
		if len(text) > 0 && !strings.Contains(string(text), `"waiting"`) {
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("kept: %s", text)
		}
	}
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

// askAll sends requests, some at a time, and reads the answers.
func askAll(t *testing.T, n, atOnce int, url func(i int) string) {
	t.Helper()
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
}

// the is one address, and each are addresses that differ.
func the(url string) func(int) string { return func(int) string { return url } }

func each(url string) func(int) string {
	return func(i int) string { return url + strconv.Itoa(i) }
}
