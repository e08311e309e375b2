package cgi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"freshet/httpd"
	"freshet/internal/child"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// Handler answers requests with programs. It may be used by any number of
// goroutines.
type Handler struct {
	o       Options
	prefix  string      // of Options, without a slash at either end
	folders []string    // of Options, likewise
	env     []string    // the part of the environment that is always the same
	user    *child.User // who programs run as; nil: as we do
	spawner *child.Spawner
	board   gateway.Board
	turns   gateway.Turns
	uploads gateway.Turns // of bodies that are copied as they come
	spools  gateway.Files

	name string        // begins the names of requests that have none of the engine's
	next atomic.Uint64 // the last such request

	mu      sync.Mutex // guards closed, and running against Close
	closed  bool
	running sync.WaitGroup // what sees programs to their end
}

// New returns a Handler, or all that is wrong with the options. It must be
// closed.
func New(o Options) (*Handler, error) {
	o.Folders, o.Writable = append([]string(nil), o.Folders...), append([]string(nil), o.Writable...)
	asked := o.Limits
	err := o.check()
	user, userErr := userOf(&o)
	if err := errors.Join(err, userErr); err != nil {
		return nil, err
	}
	h := &Handler{
		o:      o,
		prefix: strings.Trim(o.Prefix, "/"),
		env:    constantVariables(&o, os.Environ()),
		turns:  gateway.Turns{Running: o.Running, Queue: o.Queue, QueueTime: o.QueueTime},
		name:   rand.Text()[:12] + "-",
	}
	h.uploads = gateway.Turns{Running: max(1, o.Running/2), Queue: o.Queue, QueueTime: o.QueueTime}
	for _, folder := range o.Folders {
		h.folders = append(h.folders, strings.Trim(folder, "/"))
	}
	if err := h.checkDir(); err != nil {
		return nil, err
	}
	h.user = user
	if err := h.openSpawner(h.spawning(user), asked); err != nil {
		return nil, fmt.Errorf("cgi: %w", err)
	}
	return h, nil
}

// openSpawner makes ready to start programs. Where limits cannot be set those
// that are defaults are left out; those that were asked for are insisted on.
func (h *Handler) openSpawner(o child.Options, asked Limits) (err error) {
	h.spawner, err = child.New(o)
	if !errors.Is(err, child.ErrLimits) {
		return err
	}
	l := Limits{
		Memory: max(asked.Memory, 0), CPU: max(asked.CPU, 0), Processes: max(asked.Processes, 0), Files: max(asked.Files, 0), FileSize: max(asked.FileSize, 0),
	}
	o.Limits = child.Limits(l)
	if h.spawner, err = child.New(o); err == nil {
		h.o.Limits = l
		h.o.ErrorLog.Warn("programs run without the limits that are the default", "error", child.ErrLimits)
	}
	return err
}

// userOf returns who programs run as; nil for who we are.
func userOf(o *Options) (*child.User, error) {
	name := o.User
	if name == "" {
		if os.Geteuid() != 0 {
			return nil, nil
		}
		name = "nobody"
	}
	user, err := child.LookupUser(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cgi: %w; name a user that exists", err)
	case user.UID == 0:
		return nil, errors.New("cgi: programs are not run as root: name another user, such as nobody")
	case os.Geteuid() == int(user.UID):
		return nil, nil
	case os.Geteuid() > 0:
		return nil, fmt.Errorf("cgi: only root can run programs as %s: leave the user out (cgi-user)", name)
	}
	return user, nil
}

// checkDir refuses a folder in which nothing would ever be run.
func (h *Handler) checkDir() error {
	var g guard
	if err := g.begin(h); err != nil {
		return fmt.Errorf("cgi: %w", err)
	}
	if g.wrong != "" && !h.o.AllowWritable {
		return fmt.Errorf("cgi: %s: chmod go-w it, or run programs that others may change all the same (cgi-allow-writable)", g.wrong)
	}
	return nil
}

// spawning returns how programs are started.
func (h *Handler) spawning(user *child.User) child.Options {
	l := h.o.Limits
	s := child.Options{
		User: user,
		Limits: child.Limits{
			Memory: l.Memory, CPU: l.CPU, Processes: h.o.processes(user == nil), Files: l.Files, FileSize: l.FileSize,
		},
		NoNetwork: h.o.NoNetwork, Cgroup: h.o.Cgroup,
		Slots: h.o.Running, Grace: h.o.Grace, ErrorLog: h.o.ErrorLog,
	}
	if h.o.Landlock {
		s.Landlock = h.landlock()
	}
	return s
}

// programsNeed are the folders, as far as there are any, that programs are
// made of, or ask about the system they run on.
var programsNeed = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store", "/proc", "/sys/devices/system/cpu",
}

// landlock returns what programs may use of the file system.
func (h *Handler) landlock() *child.Landlock {
	l := &child.Landlock{Read: []string{h.o.Dir}, Write: h.o.Writable}
	if h.o.DocumentRoot != h.o.Dir {
		l.Read = append(l.Read, h.o.DocumentRoot)
	}
	for _, dir := range programsNeed {
		if _, err := os.Stat(dir); err == nil {
			l.Read = append(l.Read, dir)
		}
	}
	return l
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler when
// an answer that was begun cannot be completed.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := h.foundFor(r)
	switch {
	case !f.mine && h.o.Next != nil:
		h.o.Next.ServeHTTP(w, r)
		return
	case f.rule != 0:
		h.refuse(w, r, f.rule, f.detail)
		return
	case f.redirect != "":
		redirect(w, r, f.redirect)
		return
	}
	x := &exchange{h: h, w: w, r: r, p: f.program, rc: http.NewResponseController(w), told: httpd.DetailOf(w)}
	x.serve()
}

// refuse answers a request for which no program runs.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, id rule.ID, detail string) {
	row := rule.Of(id)
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	if d := httpd.DetailOf(w); d != nil && detail != "" {
		d.Error = row.Sentence + ": " + detail
	}
	httpd.Error(w, r, row.Status, row.Explain())
}

// redirect sends the client to a folder's address.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	httpd.SetRule(w, rule.StaticRedirect)
	w.Header().Set("Location", to)
	w.Header()["Content-Type"] = nil
	w.WriteHeader(http.StatusMovedPermanently)
}

// unique names a program's run: as the access log calls the request, and
// further when a local redirect makes it run more than one.
func (h *Handler) unique(w http.ResponseWriter, ctx context.Context) string {
	name := httpd.RequestID(w)
	if name == "" {
		return h.name + strconv.FormatUint(h.next.Add(1), 36)
	}
	if n := redirects(ctx); n > 0 {
		name += "." + strconv.Itoa(n)
	}
	return name
}

// Board shows the programs that run, and stops them.
func (h *Handler) Board() *gateway.Board { return &h.board }

// Load returns how many programs run and how many requests wait.
func (h *Handler) Load() (running, waiting int) {
	running, waiting = h.turns.Load()
	_, uploads := h.uploads.Load()
	return running, waiting + uploads
}

// Describe is one line for logs: who programs run as, within which limits, and
// what holds them.
func (h *Handler) Describe() string { return h.spawner.Describe() }

// Close ends all programs, and returns when they are gone. Requests that come
// later are answered 503.
func (h *Handler) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, run := range h.board.Runs() {
		h.board.Stop(run.ID())
	}
	h.running.Wait()
	return h.spawner.Close()
}
