package cgi

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"freshet/internal/child"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// start starts the program; a turn was taken for it, which is given back
// when it cannot be started.
func (x *exchange) start() (*run, *gateway.Fault) {
	h := x.h
	if !h.enter() {
		h.turns.Leave()
		return nil, &gateway.Fault{Rule: rule.ScriptStopped}
	}
	x.mark = h.unique(x.w, x.r.Context())
	r := &run{h: h, done: make(chan struct{})}
	r.board.Kind, r.board.Request, r.board.Script = "cgi", x.mark, x.p.file
	r.board.Method, r.board.URL, r.board.Client = x.r.Method, x.r.Host+x.r.URL.RequestURI(), x.r.RemoteAddr
	if err := x.launch(r); err != nil {
		r.closePipes()
		h.turns.Leave()
		h.running.Done()
		return nil, notStarted(err)
	}
	r.begin(x.r.Context())
	x.feed(r)
	return r, nil
}

// launch makes the pipes and starts the program.
func (x *exchange) launch(r *run) (err error) {
	var theirs [3]end
	defer func() {
		for _, e := range theirs {
			e.close()
		}
	}()
	if theirs[0], err = x.in.open(); err != nil {
		return err
	}
	if r.out.file, theirs[1], err = pipe(0); err != nil {
		return err
	}
	if theirs[2], err = r.said.open(); err != nil {
		return err
	}
	if err := x.give(theirs[:]); err != nil {
		return err
	}
	r.board.Started = time.Now()
	r.child, err = x.h.spawner.Start(&child.Command{
		Path: x.p.file,
		Args: []string{x.p.file},
		Env:  x.h.environment(x.r, &x.p, x.mark, x.in.length),
		Dir:  filepath.Dir(x.p.file),
		Mark: x.mark,

		Files:       []*os.File{theirs[0].file, theirs[1].file, theirs[2].file},
		Descriptors: []int{theirs[0].number(), theirs[1].number(), theirs[2].number()},
	})
	return err
}

// give makes the program's ends of pipes its user's, who could not open
// /dev/stdin, /dev/stdout and /dev/stderr otherwise.
func (x *exchange) give(theirs []end) error {
	u := x.h.user
	if u == nil {
		return nil
	}
	if x.in.pipe == nil { // nothing to read, or a file, which is read only
		theirs = theirs[1:]
	}
	for _, e := range theirs {
		if err := e.chown(int(u.UID), int(u.GID)); err != nil {
			return err
		}
	}
	return nil
}

// closePipes is for a program that was not started.
func (r *run) closePipes() {
	if r.out.file != nil {
		r.out.file.Close()
	}
	r.said.close()
}

// notStarted says why a program could not be started.
func notStarted(err error) *gateway.Fault {
	id := rule.ScriptNotStarted
	switch {
	case errors.Is(err, child.ErrClosed):
		id = rule.ScriptStopped
	case errors.Is(err, syscall.EACCES):
		id = rule.ScriptNotExecutable
	case errors.Is(err, syscall.E2BIG):
		id = rule.HeadTooLarge
	case errors.Is(err, child.ErrBusy), errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM),
		errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		id = rule.ScriptNoRoom
	}
	return &gateway.Fault{Rule: id, Err: err}
}

// enter counts a program that is about to start; false once the handler is
// closed.
func (h *Handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.running.Add(1)
	return true
}

func (h *Handler) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
