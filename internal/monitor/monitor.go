// Package monitor shows people and programs what a server does: an
// [http.Handler] with pages, the same tables as JSON, CSV and Prometheus text,
// and a stream of events that keeps pages up to date.
//
//	m := monitor.New(monitor.Options{Journal: j, Metrics: counters, …})
//	defer m.Close()
//	srv := &httpd.Server{Handler: m.Handler()} // for people
//	door.Handler = m.Local()                   // for commands of the same user
//
// It is deliberately no part of what it watches: it counts nothing, takes no
// lock that a request takes for long, and what it shows comes from functions
// and stores that it is given. How pages look is decided by package ui.
//
// What holds:
//
//   - However many watch, each page is made once a second and each event once;
//     who is slow misses events and holds up nobody. The number of viewers is
//     bounded.
//   - It can be read by whoever reaches the address, unless there is a token;
//     nothing is changed without one, nor for a page of another site.
//   - A request must name a host that is this machine's, so that no page of
//     another site can read it by a name that it lets point here.
//   - A table of a million rows is sorted and cut on the server.
package monitor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"freshet/cache"
	"freshet/check"
	"freshet/fleet"
	"freshet/forward"
	"freshet/internal/control"
	"freshet/internal/journal"
	"freshet/internal/metrics"
	"freshet/internal/sealedfolder"
	"freshet/internal/why"
	"freshet/jobs"
)

// Options are what a Monitor shows. What is nil is not shown, or said to be
// missing.
type Options struct {
	Name    string // of what is served, for people
	Version string
	Started time.Time

	// ConfigTime is when the configuration that holds was read; nil stands for
	// Started.
	ConfigTime func() time.Time

	Journal *journal.Journal
	Metrics *metrics.Metrics
	Store   *cache.Store

	// Sites are those of the configuration that holds.
	Sites func() []Site
	// Certificates are those that handshakes may get; nil: there is no TLS.
	Certificates func() []Certificate
	// Programs are those of the configuration that holds.
	Programs func() []Programs
	// Settings are the parameters in force, with where they come from.
	Settings func() []Setting

	// Why explains how a request for an absolute URL, with fields of the form
	// "Name: value", would be answered now.
	Why func(url, method string, fields []string) (*why.Explanation, error)
	// WhyEntry explains a request that was answered.
	WhyEntry func(*journal.Entry) *why.Explanation

	// Filter is the forward proxy; nil without one.
	Filter *forward.Handler

	// Jobs is the queue of jobs; nil without one. JobLog returns the end of what
	// a task has written, n bytes at most, and how many there are before; nil
	// when that is not kept.
	Jobs   jobs.Queue
	JobLog func(job jobs.ID, task int64, n int) (text []byte, before int64, err error)
	// ReadJobLog returns a part of what a task has written from an offset on, n
	// bytes at most, and the offset behind it; no text at the end. nil when that is
	// not kept.
	ReadJobLog func(job jobs.ID, task, from int64, n int) (text []byte, next int64, err error)
	// JobFiles lists the files that a task has made, by name, without their
	// hashes, and OpenJobFile opens one; both nil when they are not kept.
	JobFiles    func(job jobs.ID, task int64) ([]jobs.File, error)
	OpenJobFile func(job jobs.ID, task int64, name string) (*sealedfolder.File, error)

	// Servers lists the servers of the fleet, this one first; nil without one.
	// Want has one lock, drain or release; see fleet.Node.
	Servers func(context.Context) ([]fleet.Server, error)
	Want    func(ctx context.Context, server, do string) error

	// Alerts returns what is known of alerts; nil without them.
	Alerts func() Alerts

	// Messages is the bus that the queue is kept on; nil without one.
	Messages Messages

	// Purger forgets answers.
	Purger control.Purger

	// Commands answers what commands ask for: /purge, /why.json, /why.txt,
	// /why/ID with these suffixes, and what is below /job/, /fleet/ and /alert/.
	Commands http.Handler

	// Check checks an address for the page that does; nil means package check,
	// for public addresses.
	Check func(ctx context.Context, u *url.URL) []*check.Result

	Access Access

	// MaxViewers bounds those who get events at the same time. 0 means 512.
	// Then: 503.
	MaxViewers int

	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

const defaultMaxViewers = 512

// A Monitor is the handler of all pages. Its methods may be called at the same
// time.
type Monitor struct {
	o        Options
	pages    map[string]*page
	shared   shared
	making   turns
	sending  sending
	live     *live
	gate     *gate
	stock    stock
	examiner *examiner

	sorting sync.Mutex // held while the keys of the cache are sorted

	// objects lists what the cache holds; nil without one.
	objects func(yield func(cache.ObjectInfo) bool)
}

// New returns a Monitor. Close it.
func New(o Options) *Monitor {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxViewers <= 0 {
		o.MaxViewers = defaultMaxViewers
	}
	if o.ConfigTime == nil {
		o.ConfigTime = func() time.Time { return o.Started }
	}
	m := &Monitor{o: o, pages: map[string]*page{}, gate: newGate(o.Access, o.Now), examiner: newExaminer(o.Check)}
	m.shared.now, m.making = o.Now, newTurns(maxMaking)
	for i := range pages {
		m.pages[pages[i].path] = &pages[i]
	}
	m.live = newLive(m)
	if o.Store != nil {
		m.objects = o.Store.Objects
	}
	return m
}

// Close ends all streams of events. Requests after it are answered, but for
// those.
func (m *Monitor) Close() error {
	m.live.close()
	m.stock.close()
	return nil
}

// Handler returns the handler for listeners that others than the user may
// reach.
func (m *Monitor) Handler() http.Handler { return m.gate.guard(http.HandlerFunc(m.serve)) }

// Local returns the handler for those who are the user, as a socket tells that
// only the user can open: nobody else can reach it, and they need no token.
func (m *Monitor) Local() http.Handler { return secured(http.HandlerFunc(m.serve)) }

// uptime is how long the server has run.
func (m *Monitor) uptime() time.Duration { return m.o.Now().Sub(m.o.Started) }

// sharedFor is how long what was made for one is given to others, too.
const sharedFor = time.Second

// maxShared bounds the answers that are kept for it, and maxSharedBytes those
// that are: a larger one is given to those who wait for it, and to nobody else.
const (
	maxShared      = 128
	maxSharedBytes = 256 << 10
)

// shared are answers that were made a moment ago.
type shared struct {
	now func() time.Time

	mu sync.Mutex // guards all
	of map[string]*making
}

// A making is an answer that one makes and others wait for.
type making struct {
	begun  time.Time
	done   chan struct{}
	answer *answer
	err    error
}

// get returns the answer of a key: one that was made within the last second,
// or a new one. A fault is told to those who wait for it, and to nobody else:
// what there was not may be there now.
func (s *shared) get(key string, create func() (*answer, error)) (*answer, error) {
	now := s.now()
	s.mu.Lock()
	if k := s.of[key]; k != nil && now.Sub(k.begun) < sharedFor {
		s.mu.Unlock()
		<-k.done
		return k.answer, k.err
	}
	for key, k := range s.of {
		if now.Sub(k.begun) >= sharedFor {
			delete(s.of, key)
		}
	}
	k := &making{begun: now, done: make(chan struct{}), err: errUnmade}
	if s.of == nil {
		s.of = map[string]*making{}
	}
	if len(s.of) < maxShared {
		s.of[key] = k
	}
	s.mu.Unlock()
	defer close(k.done)
	k.answer, k.err = create()
	if k.err != nil || len(k.answer.body) > maxSharedBytes {
		s.mu.Lock()
		if s.of[key] == k {
			delete(s.of, key)
		}
		s.mu.Unlock()
	}
	return k.answer, k.err
}

// errUnmade is what those get who waited for an answer that was not made,
// because a bug ended who made it.
var errUnmade = errors.New("the page could not be made")

// forget makes the next answers new ones, after a change.
func (s *shared) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = nil
}
