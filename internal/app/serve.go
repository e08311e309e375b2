package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"freshet/cache"
	"freshet/fleet"
	"freshet/forward"
	"freshet/httpd"
	"freshet/internal/accesslog"
	"freshet/internal/acme"
	"freshet/internal/atrest"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/follow"
	"freshet/internal/guard"
	"freshet/internal/journal"
	"freshet/internal/metrics"
)

// A service is a running server: what was opened, in the order in which it was
// opened, and closed in the opposite one.
type service struct {
	env       *Env
	conf      *config.Server
	log       *errorLog
	ring      *atrest.Ring // what is stored is sealed by; nil: it is not
	sealKeys  *follow.File[atrest.Keys]
	access    *accesslog.Logger // nil when off
	within    *within           // nil before anything is opened
	content   content
	door      door
	jobs      *fleet.Keeper // nil: it takes none
	limits    *fleet.Limits // of jobs; nil: likewise
	purges    *routed       // nil: nothing is stored
	member    *joining      // nil: it joins no fleet
	alerts    *alerts
	names     configNames
	engine    *httpd.Server
	journal   *journal.Journal
	figures   figures
	watched   *watched
	started   time.Time
	read      atomic.Int64 // when the configuration that holds was read, nanoseconds since 1970
	listeners []*opened
	current   atomic.Pointer[[]*opened] // listeners, for other goroutines
	serveTLS  func(net.Listener) error
	local     *localTLS      // nil: certificates are in files
	tickets   *tickets       // nil: there is no TLS
	auto      *autoTLS       // nil: none can be by ACME
	hub       acme.Hub       // that keeps certificates, of a member of a fleet
	inFiles   getCertificate // nil: none are in files
	failed    chan error     // of a listener that ended by itself
	ended     chan struct{}  // closed when nobody listens to failed any more
}

// content is what a service serves.
type content struct {
	name    string // for people
	handler http.Handler
	hot     httpd.HotHandler // nil: none of it is hot
	close   func() error

	// purger forgets answers; nil when none are kept. data is the folder for
	// them, "" without one.
	purger control.Purger
	data   string

	// explain says why it answers as it does; given is what the command line
	// said, for that.
	explain explains
	given   []config.Setting

	// For the monitor: the command that is run, what it does with all requests,
	// where answers are kept, and how the origins are. The last two may be nil.
	command string
	does    string
	store   *cache.Store
	states  originStates

	// masks says whether no record may keep a whole address; see masked. nil: no.
	masks func() bool

	// programs are what runs programs, on a command line; nil without.
	programs *programs

	// demand is what handshakes ask of clients, of a command that serves one thing;
	// nil: nothing.
	demand *demand

	// folders are those whose files are served; nil: there are never any.
	folders *folders

	// filter is a forward proxy, whose lists are read anew on a hangup; manage is
	// told where its page is. Both may be nil.
	filter *forward.Handler
	manage *monitorPlace

	// inside serves what comes out of tunnels that are inspected; nil without.
	inside *httpd.Server

	// live is the configuration that can change while it is served; nil
	// without one.
	live *live
}

// opener opens the content of a service.
type opener func(*within) (content, error)

// within is what a service has for its content.
type within struct {
	pages *httpd.Pages
	ring  *atrest.Ring // what is stored is sealed by; nil: it is not
	log   *slog.Logger
	door  *door
	now   func() int64 // nil: the system's clock

	access access

	signatures *signatures

	// securePort is the port of the first TLS listener; 0 for none.
	securePort func() int

	// environ is what programs may be given of our environment. dry says that
	// nothing is served, so that no worker is to be started.
	environ []string
	dry     bool

	// whole is what answers all requests, for what a program sends elsewhere in
	// it; nil: the program's own route.
	whole http.Handler
}

// serve serves until a signal ends it. Its error is what a person is told.
func serve(e *Env, c *config.Server, open opener) (err error) {
	s := &service{env: e, conf: c, started: time.Now(), failed: make(chan error), ended: make(chan struct{})}
	s.read.Store(s.started.UnixNano())
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(open); err != nil {
		return err
	}
	s.startCounting()
	s.startMonitor()
	s.start(s.listeners)
	s.openDoor()
	e.announce(s.content.name, s.listeners)
	if s.local != nil {
		s.local.announce(e)
	}
	s.startAutoTLS()
	s.announcePrograms()
	s.announceLists()
	s.announceMonitor()
	s.announceJobs()
	s.startAlerts()
	return s.wait()
}

// open opens everything that can fail, so that a fault is told before anything
// is served.
func (s *service) open(content opener) (err error) {
	c := s.conf
	if s.log, err = openErrorLog(c.ErrorLog, s.env.Stderr); err != nil {
		return logFault("--error-log", c.ErrorLog, err)
	}
	pages, err := newPages(c.ErrorTemplate)
	if err != nil {
		return err
	}
	if s.sealKeys, err = openSealKeys(c.Encrypt, s.log.Logger); err != nil {
		return err
	}
	s.ring = ringOf(s.sealKeys)
	in := &within{pages: pages, ring: s.ring, log: s.log.Logger, door: &s.door, now: s.env.Now, securePort: s.securePort, signatures: newSignatures(s.env.Now), environ: s.env.Environ}
	s.within = in
	if s.content, err = content(in); err != nil {
		return err
	}
	if s.content.purger != nil {
		s.purges = &routed{own: s.content.purger}
		s.content.purger = s.purges
		s.door.purges.Store(s.purges)
	}
	var tlsConfig *tls.Config
	switch {
	case s.content.live != nil:
		tlsConfig = &tls.Config{GetCertificate: s.content.live.getCertificate}
	case c.TLSCert != "":
		pair, err := openKeyPair(keyPairFiles{c.TLSCert, c.TLSKey}, s.log.Logger)
		if err != nil {
			return err
		}
		tlsConfig = &tls.Config{GetCertificate: pair.Get}
	}
	files := tlsConfig
	if tlsConfig, err = s.openLocalTLS(tlsConfig); err != nil {
		return err
	}
	if tlsConfig, err = s.openAutoTLS(files, tlsConfig); err != nil {
		return err
	}
	if s.access, err = openAccessLog(c, s.env.Stdout, s.log.Logger); err != nil {
		return err
	}
	s.engine = newEngine(c, pages, s.log.Logger)
	handler, hot := s.content.handler, s.content.hot
	if s.content.filter == nil { // whose requests are others' to read
		handler, hot = guard.Unclaimed(handler, hot)
	}
	if only := newHTTPSOnly(&c.HTTPS, s.securePort); only != nil {
		handler, hot = only.instead(only.over(handler, hot))
	}
	s.engine.Handler, s.engine.Hot = s.proving(handler, hot)
	s.journal, s.figures.Metrics = journal.New(journal.Options{Named: s.named}), metrics.New(metrics.Options{Places: s.countedPlaces()})
	s.engine.Sink = s.env.also(&recorder{s.access, s.journal, s.figures.Metrics})
	if s.content.masks != nil {
		s.engine.Sink = masked{s.engine.Sink, s.content.masks}
	}
	if s.content.inside != nil {
		s.content.inside.Sink = s.engine.Sink
	}
	s.addGauges()
	s.addAutoGauges()
	if tlsConfig != nil {
		s.tickets = newTickets(s.clock())
		tlsConfig = newSecure(tlsConfig, s.tickets, s.wanted()).config()
	}
	s.engine.TLSConfig = tlsConfig
	s.serveTLS = func(l net.Listener) error { return s.engine.ServeTLS(l, "", "") }
	if s.listeners, err = openAll(c, nil); err != nil {
		return err
	}
	s.setListening()
	if s.watched, err = openMonitor(c); err == nil {
		err = s.openJobs()
	}
	if err == nil {
		err = s.openAlerts()
	}
	if err != nil {
		closeAll(s.listeners)
	}
	return err
}

// setListening lets other goroutines see a change of the listeners.
func (s *service) setListening() {
	all := slices.Clone(s.listeners)
	s.current.Store(&all)
}

// listening returns the listeners, on any goroutine.
func (s *service) listening() []*opened {
	if all := s.current.Load(); all != nil {
		return *all
	}
	return nil
}

// start serves on listeners.
func (s *service) start(listeners []*opened) {
	for _, l := range listeners {
		go func() {
			serve := s.engine.Serve
			if l.scheme == "https" {
				serve = s.serveTLS
			}
			err := serve(l.Listener)
			if l.dropped.Load() {
				return
			}
			select {
			case s.failed <- fmt.Errorf("serve on %s: %w", l.Addr(), err):
			case <-s.ended:
			}
		}()
	}
}

// wait obeys signals until the server is to end, and ends it.
func (s *service) wait() error {
	looks, stop := s.env.looks(s.content.live != nil)
	defer stop()
	for {
		select {
		case <-looks:
			s.reload(false)
		case err := <-s.failed:
			s.engine.Close()
			return err
		case sig := <-s.env.Signals:
			if isHangup(sig) && (!s.env.Terminal || s.hasLogFile()) {
				s.reopen()
				s.reload(true)
				s.reloadLists()
				continue
			}
			return s.stop()
		}
	}
}

// stop lets running requests end; another signal cuts them.
func (s *service) stop() error {
	s.env.tell("stopping: %s", stopTimeout(s.conf.ShutdownTimeout))
	ctx, cancel := context.WithTimeout(context.Background(), s.conf.ShutdownTimeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.shutdown(ctx) }()
	for {
		select {
		case err := <-ended:
			if err != nil && s.conf.ShutdownTimeout > 0 {
				return fmt.Errorf("stopped after %v with requests unfinished; give them more with --shutdown-timeout", s.conf.ShutdownTimeout)
			}
			return nil
		case sig := <-s.env.Signals:
			if isHangup(sig) {
				continue
			}
			cancel()
			if <-ended == nil {
				return nil // nothing was running any more
			}
			return errors.New("stopped at once, as a second signal asked; running requests were cut")
		}
	}
}

// shutdown lets running requests end until ctx is done, then cuts them.
func (s *service) shutdown(ctx context.Context) error {
	err := s.engine.Shutdown(ctx)
	if s.content.inside != nil {
		err = errors.Join(err, s.content.inside.Shutdown(ctx))
	}
	return err
}

func (s *service) hasLogFile() bool {
	return s.log.file != nil || (s.access != nil && s.conf.AccessLog != "-")
}

// reopen opens the log files anew, after they were renamed.
func (s *service) reopen() {
	if err := s.log.reopen(); err != nil {
		s.log.Error("reopen the error log", "err", err)
	}
	if s.access == nil {
		return
	}
	if err := s.access.Reopen(); err != nil {
		s.log.Error("reopen the access log", "err", err)
	}
}

// close closes what open opened.
func (s *service) close() error {
	close(s.ended)
	s.alerts.close()
	faults := []error{s.door.close(), s.watched.close(), s.closeJobs(), s.closeAutoTLS()}
	s.figures.close()
	if s.content.close != nil {
		faults = append(faults, s.content.close())
	}
	if s.within != nil {
		s.within.access.close()
	}
	if s.access != nil {
		if err := s.access.Close(); err != nil {
			faults = append(faults, fmt.Errorf("write the access log: %w", err))
		}
	}
	if s.log != nil {
		faults = append(faults, s.log.close())
	}
	return errors.Join(faults...)
}
