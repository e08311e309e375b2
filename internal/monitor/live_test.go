package monitor

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/record"
)

// stream is a client of events.
type stream struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
	resp   *http.Response
}

// serve serves a handler until the test, with its streams, has ended.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func watch(t *testing.T, server *httptest.Server, target string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{t: t, lines: bufio.NewScanner(resp.Body), cancel: cancel, resp: resp}
	s.lines.Buffer(nil, 1<<20)
	t.Cleanup(s.close)
	return s
}

func (s *stream) close() {
	s.cancel()
	s.resp.Body.Close()
}

// next returns the next event of a name.
func (s *stream) next(name string, data any) {
	s.t.Helper()
	for s.lines.Scan() {
		if s.lines.Text() != "event: "+name {
			continue
		}
		for s.lines.Scan() {
			if text, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(text), data); err != nil {
					s.t.Fatal(err)
				}
				return
			}
		}
	}
	s.t.Fatalf("the stream ended: %v", s.lines.Err())
}

type rowsEvent struct {
	Table string
	Rows  []struct {
		ID    string
		Cells []struct{ Text string }
	}
}

func TestEvents(t *testing.T) {
	f := newFixture(t, nil)
	server := serve(t, f.Handler())
	all := watch(t, server, "/events?page=requests")
	some := watch(t, server, "/events?page=requests&status=404&path=/b*")
	over := watch(t, server, "/events?page=overview")
	if got := all.resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("type %q", got)
	}
	for n, target := range []string{"/a", "/b1", "/b2", "/c"} {
		r := newRecord(100 + n)
		r.Target, r.Status = target, 404
		f.journal.Record(r)
	}
	now := time.Now()
	f.metrics.Tick(now)
	f.metrics.Tick(now.Add(time.Second))
	f.live.tick(now)
	var e rowsEvent
	all.next("rows", &e)
	if e.Table != "requests" || len(e.Rows) != 4 || e.Rows[0].Cells[5].Text != "/a" || e.Rows[3].Cells[5].Text != "/c" || e.Rows[0].ID != newRecord(100).ID.String() {
		t.Errorf("%+v", e)
	}
	some.next("rows", &e)
	if len(e.Rows) != 2 || e.Rows[0].Cells[5].Text != "/b1" {
		t.Errorf("%+v", e)
	}
	stats := map[string]struct{ Text string }{}
	over.next("stats", &stats)
	if stats["requests_total"].Text != "20" || stats["uptime"].Text == "" {
		t.Errorf("%+v", stats)
	}
	var chart struct {
		Chart  string
		Values []*float64
	}
	over.next("chart", &chart)
	if chart.Chart != "requests" || len(chart.Values) != len(charts[0].lines) {
		t.Errorf("%+v", chart)
	}
}

// Who comes back gets what came in between, and shares the topic of the others.
func TestEventsAfterABreak(t *testing.T) {
	f := newFixture(t, nil)
	server := serve(t, f.Handler())
	last := f.journal.Next()
	for n := range 2 * maxLiveRows {
		r := newRecord(100 + n)
		r.Target, r.Status = fmt.Sprintf("/%d", n), 404
		f.journal.Record(r)
	}
	for query, want := range map[string]int{
		fmt.Sprintf("last=%d", last):                          maxLiveRows,
		fmt.Sprintf("last=%d", last+2*maxLiveRows-4):          3,
		fmt.Sprintf("last=%d&path=/1*&status=404", last):      11,
		fmt.Sprintf("status=404&last=%d", last+maxLiveRows/2): maxLiveRows,
	} {
		s := watch(t, server, "/events?page=requests&"+query)
		var e rowsEvent
		s.next("rows", &e)
		if len(e.Rows) != want {
			t.Errorf("%s: %d rows, want %d", query, len(e.Rows), want)
		}
		if name := e.Rows[len(e.Rows)-1].Cells[5].Text; want != 11 && name != fmt.Sprintf("/%d", 2*maxLiveRows-1) {
			t.Errorf("%s: the last row is %s", query, name)
		}
	}
	for _, nonsense := range []string{"x", "-1", "999999999999", ""} {
		watch(t, server, "/events?page=requests&last="+nonsense)
	}
	f.live.mu.Lock()
	defer f.live.mu.Unlock()
	if len(f.live.topics) > 3 {
		t.Errorf("%d topics", len(f.live.topics))
	}
}

// All who watch the same get the same bytes, which are made once.
func TestEventsAreMadeOnce(t *testing.T) {
	f := newFixture(t, nil)
	made := 0
	liveSources["test"] = func(*Monitor, *query) (func([]byte, time.Time) []byte, error) {
		return func(dst []byte, _ time.Time) []byte { made++; return append(dst, "data: x\n\n"...) }, nil
	}
	defer delete(liveSources, "test")
	var frames []*viewer
	for range 200 {
		v, leave, _, err := f.live.join(url.Values{"page": {"test"}})
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		frames = append(frames, v)
	}
	f.live.tick(time.Now())
	if made == 0 {
		t.Error("made never")
	}
	first := <-frames[0].frames
	for _, v := range frames[1:] {
		if frame := <-v.frames; &frame[0] != &first[0] {
			t.Fatal("a viewer has bytes of its own")
		}
	}
}

// Who does not read misses events, and keeps nobody from theirs.
func TestSlowViewer(t *testing.T) {
	f := newFixture(t, nil)
	slow, leave, _, err := f.live.join(url.Values{"page": {"overview"}})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	quick, leave, _, err := f.live.join(url.Values{"page": {"overview"}})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	for range 3 * viewerFrames {
		f.live.tick(time.Now())
		<-quick.frames
	}
	if len(slow.frames) != viewerFrames {
		t.Errorf("%d frames wait", len(slow.frames))
	}
}

// What differs from viewer to viewer is bounded, and reads the journal once.
func TestTopics(t *testing.T) {
	f := newFixture(t, nil)
	var all []*viewer
	for n := range maxTopics {
		v, leave, _, err := f.live.join(url.Values{"page": {"requests"}, "status": {"404"}, "path": {"/" + number(n)}})
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		all = append(all, v)
	}
	if _, _, status, _ := f.live.join(url.Values{"page": {"requests"}, "status": {"404"}, "path": {"/more"}}); status != 503 {
		t.Errorf("one more: %d", status)
	}
	if _, leave, status, _ := f.live.join(url.Values{"page": {"requests"}, "status": {"404"}, "path": {"/0"}}); status != 0 {
		t.Errorf("one that there is: %d", status)
	} else {
		leave()
	}
	for n := range maxTopics {
		r := newRecord(n)
		r.Target, r.Status = "/"+number(n)+".", 404
		f.journal.Record(r)
	}
	f.live.tick(time.Now())
	for n, v := range all {
		if frame := string(<-v.frames); !strings.Contains(frame, `"/`+number(n)+`."`) {
			t.Errorf("%d: %s", n, frame)
		}
	}
	if n := len(f.live.recent.entries); n < maxTopics {
		t.Errorf("%d entries were read", n)
	}
}

func TestTooManyViewers(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxViewers = 2 })
	server := serve(t, f.Handler())
	watch(t, server, "/events?page=overview")
	second := watch(t, server, "/events?page=requests")
	resp, err := server.Client().Get(server.URL + "/events?page=overview")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%v", resp)
	}
	second.close()
	for { // until the server has noticed
		resp, err := server.Client().Get(server.URL + "/events?page=none")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		f.live.mu.Lock()
		n := f.live.viewers
		f.live.mu.Unlock()
		if n == 1 {
			break
		}
	}
	watch(t, server, "/events?page=overview")
}

// Close ends all streams; nobody joins afterwards.
func TestCloseEndsStreams(t *testing.T) {
	f := newFixture(t, nil)
	server := serve(t, f.Handler())
	s := watch(t, server, "/events?page=overview")
	f.Close()
	for s.lines.Scan() {
	}
	if err := s.lines.Err(); err != nil {
		t.Error(err)
	}
	if w := send(f.Handler(), "GET", "/events?page=overview", ""); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}

// The goroutine runs while somebody watches, once a second, and ends with the
// last.
func TestTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		defer m.Close()
		for range 2 {
			v, leave, _, err := m.live.join(url.Values{"page": {"overview"}})
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			for n := range 3 {
				<-v.frames
				if got := time.Since(begun); got != time.Duration(n+1)*time.Second {
					t.Errorf("event %d after %v", n, got)
				}
			}
			leave()
			synctest.Wait()
		}
	})
}

// The rows of a second are bounded, whatever happens in it.
func TestRowsOfASecondAreBounded(t *testing.T) {
	f := newFixture(t, nil)
	for _, filter := range []string{"", "&verdict=miss"} {
		values, _ := url.ParseQuery("page=requests" + filter)
		v, leave, _, err := f.live.join(values)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 1000 {
			r := *newRecord(n)
			r.Verdict = record.Miss
			f.journal.Record(&r)
		}
		f.live.tick(time.Now())
		var e rowsEvent
		_, text, _ := strings.Cut(string(<-v.frames), "data: ")
		if err := json.Unmarshal([]byte(text), &e); err != nil || len(e.Rows) != maxLiveRows {
			t.Errorf("%s: %d rows, %v", filter, len(e.Rows), err)
		}
		if want := newRecord(999).ID.String(); e.Rows[len(e.Rows)-1].ID != want {
			t.Errorf("the last is %s, want %s", e.Rows[len(e.Rows)-1].ID, want)
		}
		leave()
	}
}

func ExampleMonitor() {
	m := New(Options{Version: "1"})
	defer m.Close()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "http://127.0.0.1:8001/jobs", nil)
	m.Handler().ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
