package monitor

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"freshet/internal/journal"
	"freshet/internal/monitor/ui"
)

// live sends events to those who watch. What they watch is a topic: a page and
// its filter. One goroutine makes the events of each topic once a second, while
// somebody watches it, and hands the same bytes to all who do.
type live struct {
	m *Monitor

	mu      sync.Mutex // guards the rest
	topics  map[string]*topic
	viewers int
	closed  bool
	stop    chan struct{} // closed to end the goroutine; nil while there is none
	ended   sync.WaitGroup

	ticking sync.Mutex // held while events are made; guards recent
	recent  recent
}

// recent are the requests of the second whose events are made: read once, for
// all topics that look at all of them.
type recent struct {
	from, to uint64 // numbers of entries
	read     bool
	entries  []journal.Entry // the oldest first
}

// since returns the requests of the second.
func (l *live) since() []journal.Entry {
	r := &l.recent
	if !r.read {
		clear(r.entries)
		r.entries, _, _ = l.m.o.Journal.Since(r.from, r.entries[:0])
		r.read = true
	}
	return r.entries
}

// A topic is what some viewers watch.
type topic struct {
	// events appends the events of a second that ends now.
	events  func(dst []byte, now time.Time) []byte
	viewers map[*viewer]struct{}
	last    []byte // the events that were sent last
}

// A viewer has room for a few seconds of events. What there is no room for is
// skipped: values are absolute, and rows that are missed are those of a client
// that cannot keep up with them.
type viewer struct {
	frames chan []byte
	end    <-chan struct{} // closed when all streams end
}

const (
	tickEvery    = time.Second
	maxTopics    = 64 // that are watched at the same time: what differs costs each time
	viewerFrames = 8
	// heartbeat is after how many seconds without an event an empty one is sent,
	// so that who has gone is noticed and nobody between takes it for dead.
	heartbeat = 10
)

// A liveSource makes the function that makes a topic's events.
type liveSource func(*Monitor, *query) (func(dst []byte, now time.Time) []byte, error)

// liveSources are the pages that can be watched.
var liveSources = map[string]liveSource{
	"overview": overviewEvents,
	"requests": requestEvents,
	"programs": programEvents,
	"filter":   filterEvents,
	"jobs":     jobsEvents,
	"job":      jobEvents,
	"servers":  serversEvents,
}

func newLive(m *Monitor) *live { return &live{m: m, topics: map[string]*topic{}} }

// liveAddress is where the events of a page are.
func liveAddress(page string, values url.Values) string {
	all := url.Values{"page": {page}}
	for name, v := range values {
		if len(v) > 0 && v[0] != "" {
			all[name] = v[:1]
		}
	}
	return "/events?" + all.Encode()
}

// join makes a viewer of a topic. It fails with a status code when there are
// too many, or no such topic.
func (l *live) join(values url.Values) (v *viewer, leave func(), status int, err error) {
	source := liveSources[values.Get("page")]
	if source == nil {
		return nil, nil, http.StatusNotFound, &missing{"There are no events of the page " + values.Get("page") + "."}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.viewers >= l.m.o.MaxViewers {
		return nil, nil, http.StatusServiceUnavailable, nil
	}
	values, plain := topicOf(values)
	key := values.Encode()
	t := l.topics[key]
	if t == nil {
		if len(l.topics) >= maxTopics && !plain {
			return nil, nil, http.StatusServiceUnavailable, nil
		}
		events, err := source(l.m, &query{page: "/" + values.Get("page"), values: values})
		if err != nil {
			return nil, nil, http.StatusBadRequest, err
		}
		t = &topic{events: events, viewers: map[*viewer]struct{}{}}
		l.topics[key] = t
	}
	if l.stop == nil {
		l.stop = make(chan struct{})
		l.ended.Add(1)
		go l.run(l.stop)
	}
	v = &viewer{frames: make(chan []byte, viewerFrames), end: l.stop}
	t.viewers[v] = struct{}{}
	l.viewers++
	if t.last != nil {
		v.frames <- t.last
	}
	return v, func() { l.leave(key, t, v) }, 0, nil
}

// topicOf returns what of an address makes the topic: its page, and the job or
// the filter where there is one. A topic without is plain, and always has room.
func topicOf(values url.Values) (topic url.Values, plain bool) {
	topic, plain = url.Values{"page": {values.Get("page")}}, true
	switch values.Get("page") {
	case "job":
		topic["id"] = []string{values.Get("id")}
		return topic, false
	case "requests":
	default:
		return topic, plain
	}
	for _, name := range filterNames {
		if text := values.Get(name); text != "" {
			topic[name], plain = []string{text}, false
		}
	}
	return topic, plain
}

// leave forgets a viewer; the last one ends the goroutine.
func (l *live) leave(key string, t *topic, v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(t.viewers, v)
	if len(t.viewers) == 0 && l.topics[key] == t {
		delete(l.topics, key)
	}
	if l.viewers--; l.viewers == 0 && l.stop != nil {
		close(l.stop)
		l.stop = nil
	}
}

// close ends all streams, and waits for the goroutine.
func (l *live) close() {
	l.mu.Lock()
	l.closed = true
	if l.stop != nil {
		close(l.stop)
		l.stop = nil
	}
	l.mu.Unlock()
	l.ended.Wait()
}

// run makes events until it is stopped.
func (l *live) run(stop <-chan struct{}) {
	defer l.ended.Done()
	ticks := time.NewTicker(tickEvery)
	defer ticks.Stop()
	for {
		select {
		case <-stop:
			l.ticking.Lock()
			defer l.ticking.Unlock()
			l.recent.entries, l.recent.read = nil, false // what nobody looks at any more
			return
		case <-ticks.C:
			l.tick(l.m.o.Now())
		}
	}
}

// tick makes the events of a second and hands them out. The topics are looked
// at without the lock, for making events takes time: a topic without viewers
// any more is made in vain once.
func (l *live) tick(now time.Time) {
	l.mu.Lock()
	topics := make([]*topic, 0, len(l.topics))
	for _, t := range l.topics {
		topics = append(topics, t)
	}
	l.mu.Unlock()
	l.ticking.Lock()
	defer l.ticking.Unlock()
	if j := l.m.o.Journal; j != nil {
		l.recent.from, l.recent.to, l.recent.read = l.recent.to, j.Next(), false
	}
	for _, t := range topics {
		frame := t.events(nil, now)
		if len(frame) == 0 {
			continue
		}
		l.mu.Lock()
		t.last = frame
		for v := range t.viewers {
			select {
			case v.frames <- frame:
			default:
			}
		}
		l.mu.Unlock()
	}
}

// serve sends events until the client goes away or the monitor is closed.
func (l *live) serve(w http.ResponseWriter, r *http.Request) {
	values, err := readQuery(r)
	if err != nil {
		failAs(w, r, err)
		return
	}
	last := values.Get("last")
	values.Del("last") // else each who comes back would have a topic of its own
	v, leave, status, err := l.join(values)
	switch {
	case status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10")
		fail(w, r, status, "As many watch, or with as many different filters, as may.")
		return
	case err != nil:
		fail(w, r, status, err.Error())
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	c := http.NewResponseController(w)
	first := []byte("retry: 2000\n\n")
	if values.Get("page") == "requests" && last != "" {
		first = l.m.appendMissed(first, &query{page: "/requests", values: values}, last)
	}
	if _, err := w.Write(first); err != nil || c.Flush() != nil {
		return
	}
	pause := time.NewTicker(heartbeat * time.Second)
	defer pause.Stop()
	for {
		var frame []byte
		select {
		case frame = <-v.frames:
		case <-pause.C:
			frame = []byte("event: stats\ndata: {}\n\n")
		case <-v.end:
			return
		case <-r.Context().Done():
			return
		}
		if _, err := w.Write(frame); err != nil || c.Flush() != nil {
			return
		}
	}
}

// appendEvent appends an event; one without a form, which no value of ours is,
// is left out.
func appendEvent(dst []byte, name string, id uint64, data any) []byte {
	b, err := ui.AppendEvent(dst, name, id, data)
	if err != nil {
		return dst
	}
	return b
}
