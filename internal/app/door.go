package app

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"freshet/internal/control"
	"freshet/middleware"
)

// A door is where local commands come in, once it is open. The zero value is
// shut.
type door struct {
	atomic.Pointer[control.Server]
	purges atomic.Pointer[routed] // nil: nothing is stored
}

// authorized reports whether a request has the server's token.
func (d *door) authorized(r *http.Request) bool { return d.Load().Authorized(r) }

// tokenFile is where the server's token is; "" while the door is shut.
func (d *door) tokenFile() string {
	if s := d.Load(); s != nil {
		return s.TokenFile()
	}
	return ""
}

func (d *door) close() error {
	if s := d.Load(); s != nil {
		return s.Close()
	}
	return nil
}

// openDoor lets commands in. A server whose folder cannot be used serves all
// the same.
func (s *service) openDoor() {
	if len(s.listeners) == 0 {
		return
	}
	dir, err := doorFolder(s.content.data, s.env.Environ)
	if err == nil {
		var opened *control.Server
		if opened, err = control.Open(dir, doorName(s.listeners[0]), s.watched.Local()); err == nil {
			s.nameDoor(opened)
			s.door.Store(opened)
			return
		}
	}
	if !errors.Is(err, errNoState) {
		err = fmt.Errorf("%w; set XDG_STATE_HOME, or give --data", err)
	}
	if s.content.purger == nil {
		s.log.Info("commands cannot reach this server", "err", err)
		return
	}
	s.log.Warn("freshet purge cannot reach this server", "err", err)
}

// nameDoor lets the door be found by the monitor's address, too.
func (s *service) nameDoor(d *control.Server) {
	l := s.watched.listener
	if l == nil {
		return
	}
	addr := l.Addr().String()
	if _, ok := l.Addr().(*net.UnixAddr); ok {
		addr = s.conf.Monitor
	}
	if err := d.AlsoName(control.Name(addr)); err != nil {
		s.log.Info("commands cannot reach this server by the monitor's address", "err", cause(err))
	}
}

// inside is what commands ask for, beside the pages of the monitor.
func (s *service) inside() http.Handler {
	mux := http.NewServeMux()
	if s.content.purger != nil {
		mux.Handle("POST /purge", control.PurgeHandler(s.content.purger))
	}
	if s.jobs != nil {
		mux.Handle("/job/", s.jobs.Handler())
		mux.Handle("/fleet/", s.jobs.Handler())
	}
	mux.HandleFunc("POST /alert/test", s.serveAlertTest)
	mux.Handle("GET /why.json", s.whyHandler())
	mux.Handle("GET /why.txt", s.whyHandler())
	mux.Handle("GET /why/{name}", s.whyHandler())
	return middleware.Compress(mux, middleware.CompressOptions{})
}

// doorName is made of the address that is listened on, not of what was asked
// for: that may be any free port.
func doorName(l *opened) string {
	if _, ok := l.Addr().(*net.UnixAddr); ok {
		return control.Name(l.address)
	}
	return control.Name(l.Addr().String())
}

var errNoState = errors.New("there is no folder for it: set HOME or XDG_STATE_HOME, or give --data")

// doorFolder returns the folder for sockets and tokens: that of the cache, else
// the user's own for the state of programs.
func doorFolder(data string, environ []string) (string, error) {
	if data != "" {
		return data, nil
	}
	if folder := userFolder(environ, "XDG_STATE_HOME", ".local/state"); folder != "" {
		return folder, nil
	}
	return "", errNoState
}
