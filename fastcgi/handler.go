package fastcgi

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// Handler asks a backend in the role responder. It is for many goroutines.
type Handler struct {
	o       Options
	scripts *scripts // nil without Root
	send    []*sentFolder
	source  source
	turns   gateway.Turns
	uploads gateway.Turns // of bodies that are passed on as they come
	spools  gateway.Files
	board   gateway.Board
	tally   tally
	closed  atomic.Bool
}

// New returns a handler, or all that is wrong with the options. It connects with
// the first request; with Workers it starts Workers.Min of them. It must be
// closed.
func New(o Options) (*Handler, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("fastcgi: %w", err)
	}
	h := &Handler{o: o}
	h.turns = gateway.Turns{Running: o.Conns, Queue: o.Queue, QueueTime: o.QueueTime}
	h.uploads = gateway.Turns{Running: max(1, o.Conns/2), Queue: o.Queue, QueueTime: o.QueueTime}
	if err := h.openFolders(); err != nil {
		h.closeFolders()
		return nil, fmt.Errorf("fastcgi: %w", err)
	}
	if o.Workers == nil {
		h.source = &pool{network: o.network, address: o.address, connect: o.ConnectTimeout, keep: o.Idle, tally: &h.tally}
		return h, nil
	}
	s, err := newSupervisor(h)
	if err != nil {
		h.closeFolders()
		return nil, fmt.Errorf("fastcgi: %w", err)
	}
	h.source = s
	return h, nil
}

func (h *Handler) openFolders() (err error) {
	if h.o.Root != "" {
		if h.scripts, err = newScripts(&h.o); err != nil {
			return err
		}
	}
	for _, s := range h.o.Sendfile {
		uri, dir := parseSendfile(s)
		f, err := openFolder(dir)
		if err != nil {
			return err
		}
		h.send = append(h.send, &sentFolder{f, uri})
	}
	return nil
}

func (h *Handler) closeFolders() {
	if h.scripts != nil {
		h.scripts.close()
	}
	for _, f := range h.send {
		f.close()
	}
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler when an
// answer that was begun cannot be completed, and when the client has gone.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for redirects := len(trailOf(r)); ; redirects++ {
		if h.closed.Load() {
			w.Header().Set("Retry-After", "1")
			h.refuse(w, r, rule.ScriptStopped)
			return
		}
		if redirects > maxRedirects {
			h.refuse(w, r, rule.ScriptRedirectLoop)
			return
		}
		t := h.foundFor(r)
		if t.kind != runScript {
			h.other(w, r, &t)
			return
		}
		local := h.run(w, r, &t.script)
		if local == "" {
			return
		}
		next, ok := redirected(r, local)
		if !ok {
			httpd.SetRule(w, rule.ScriptHeadInvalid)
			httpd.Error(w, r, http.StatusBadGateway, rule.Of(rule.ScriptHeadInvalid).Explain())
			return
		}
		w = gateway.Private(w)
		if h.o.Redirects != nil {
			h.redirect(w, r, next)
			return
		}
		r = next
	}
}

// run runs a script, and returns where it redirects to when it does locally.
func (h *Handler) run(w http.ResponseWriter, r *http.Request, s *gateway.Script) (local string) {
	x := h.begunFor(w, r, s)
	if x == nil {
		x = h.newExchange(w, r, roleResponder)
		x.script = *s
	}
	defer x.done()
	head, f := x.ask()
	x.tell(head, f)
	switch {
	case f != nil:
		x.fail(f)
		return ""
	case head.Kind == gateway.LocalRedirect:
		return head.Local
	}
	x.answer(head)
	return ""
}

// Board returns what runs: requests that take a while, and workers.
func (h *Handler) Board() *gateway.Board { return &h.board }

// Load returns how many requests are with the backend, and how many wait.
func (h *Handler) Load() (running, waiting int) {
	running, waiting = h.turns.Load()
	_, uploads := h.uploads.Load()
	return running, waiting + uploads
}

// address is where the backend is, for people.
func (h *Handler) address() string {
	if h.o.Workers != nil {
		return h.o.Workers.Command[0]
	}
	return h.o.Address
}

// Describe is one line for logs: where the backend is, and its bounds.
func (h *Handler) Describe() string {
	s := "fastcgi " + h.address()
	if w := h.o.Workers; w != nil {
		s += fmt.Sprintf(", %d to %d workers", w.Min, w.Max)
	} else {
		s += fmt.Sprintf(", at most %d connections", h.o.Conns)
	}
	if h.o.Root != "" {
		s += ", scripts in " + h.o.Root
	}
	return s
}

// PoolState is how connections to a backend, and its workers, are.
type PoolState struct {
	Open  int // connections, idle ones included
	Idle  int
	Conns int // the most there may be

	Dials   int64 // connections that were made so far
	Reused  int64 // requests over a connection that was kept
	Stale   int64 // kept connections that turned out to be closed
	Retried int64 // requests that were sent a second time

	Workers  int   // that run; 0 without Options.Workers
	Starts   int64 // of workers so far, restarts included
	Restarts int64 // starts in place of a worker that ended by itself

	LastError string // what failed last, "" when nothing has
	LastTime  time.Time
}

// Pool returns the state of connections and workers.
func (h *Handler) Pool() PoolState {
	s := PoolState{Conns: h.o.Conns}
	h.tally.fill(&s)
	h.source.state(&s)
	return s
}

// Close closes connections that are idle, and others once their requests are
// done; workers are ended at once. Requests from now on get 503.
func (h *Handler) Close() error {
	h.closed.Store(true)
	err := h.source.close()
	h.closeFolders()
	return err
}
