package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"freshet/httpd"
	"freshet/internal/accesslog"
	"freshet/internal/config"
	"freshet/internal/journal"
	"freshet/internal/metrics"
	"freshet/internal/monitor"
	"freshet/internal/record"
	"freshet/internal/why"
	"freshet/socketserver"
)

// recorder gives the record of a request to all who want it.
type recorder struct {
	access  *accesslog.Logger // nil when off
	journal *journal.Journal
	metrics *metrics.Metrics
}

// Record implements httpd.Sink.
func (r *recorder) Record(rec *record.Record) {
	r.metrics.Record(rec)
	r.journal.Record(rec)
	if r.access != nil {
		r.access.Record(rec)
	}
}

// watched is what shows people what the server does: the monitor, and the
// server of its own that it is reached by.
type watched struct {
	*monitor.Monitor
	engine   *httpd.Server
	listener net.Listener // nil: it is reached by the door alone
	notice   string       // why it is not where it was expected
	token    string       // "" for none
	served   sync.WaitGroup
}

// How much the monitor's own server bears.
const (
	monitorConns   = 1024
	monitorMaxBody = 16 << 20 // a purge of many addresses
	monitorStop    = time.Second
	leastToken     = 8
)

// openMonitor listens for the monitor, if there is to be one.
func openMonitor(c *config.Server) (*watched, error) {
	token, err := monitorToken(c.MonitorToken)
	if err != nil {
		return nil, err
	}
	w := &watched{token: token}
	if c.Monitor == "off" {
		return w, nil
	}
	l, err := socketserver.Listen(c.Monitor, 0)
	if err != nil && !c.MonitorAsked && errors.Is(err, syscall.EADDRINUSE) {
		l, err = listenNear(c.Monitor)
		w.notice = "; " + c.Monitor + " is taken"
	}
	if err != nil {
		return nil, listenFault(c.Monitor, "--monitor", err)
	}
	w.listener = l
	return w, nil
}

// nearPorts is how many ports behind the usual one are tried.
const nearPorts = 9

// listenNear listens on the next free port, or, when many are taken, on any.
func listenNear(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	for i := 1; i <= nearPorts; i++ {
		l, err := socketserver.Listen(net.JoinHostPort(host, strconv.Itoa(first+i)), 0)
		if err == nil {
			return l, nil
		}
	}
	return socketserver.Listen(net.JoinHostPort(host, "0"), 0)
}

// monitorToken returns the token that --monitor-token names, "" for none.
func monitorToken(s config.Secret) (string, error) {
	token, from := s.Text, "the token of the environment"
	if s.File != "" {
		f, err := os.Open(s.File)
		if err != nil {
			return "", fileFault("--monitor-token", s.File, err)
		}
		defer f.Close()
		line, err := bufio.NewReader(f).ReadString('\n')
		if err != nil && line == "" {
			return "", fmt.Errorf("--monitor-token %s: its first line is empty; write a token there", s.File)
		}
		token, from = strings.TrimSpace(line), "--monitor-token "+s.File
	}
	if token == "" && s == (config.Secret{}) {
		return "", nil
	}
	if len(token) < leastToken {
		return "", fmt.Errorf("%s: the token is shorter than %d characters; make it longer", from, leastToken)
	}
	return token, nil
}

// startMonitor makes the monitor and serves it.
func (s *service) startMonitor() {
	w := s.watched
	o := monitor.Options{
		Name: s.content.name, Version: version(), Started: s.started,
		ConfigTime: func() time.Time { return time.Unix(0, s.read.Load()) },
		Journal:    s.journal, Metrics: s.figures.Metrics, Store: s.content.store,
		Sites: s.monitorSites, Certificates: s.monitorCertificates, Programs: s.monitorPrograms, Settings: s.monitorSettings,
		Why:      s.whyFor,
		WhyEntry: s.whyEntry,
		Purger:   s.content.purger,
		Commands: s.inside(),
		Access:   monitor.Access{Token: w.token, Names: monitorNames(s.conf.Monitor, w.token), OwnerFile: s.door.tokenFile},
	}
	o.Access.Owner = func(token string) bool {
		return s.door.Load().Knows(strings.TrimSpace(token))
	}
	o.Filter, o.Alerts = s.content.filter, s.monitorAlerts
	if s.jobs != nil {
		o.ReadJobLog = s.jobs.ReadLog
		o.Jobs, o.JobLog, o.JobFiles, o.OpenJobFile = s.jobs.Queue(), s.jobs.TailLog, s.jobFiles, s.jobs.OpenOutput
		o.Servers, o.Want = s.jobs.Servers, s.jobs.Want
		if bus := s.jobs.Messages(); bus != nil {
			o.Messages = messages{bus, s.log.Logger}
		}
	}
	w.Monitor = monitor.New(o)
	if w.listener == nil {
		return
	}
	s.content.manage.set(w.listener)
	w.engine = newMonitorEngine(w.Monitor, s.conf, s.log.Logger)
	w.served.Go(func() {
		if err := w.engine.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the monitor ended", "err", err)
		}
	})
}

// whyFor explains how a request would be answered now.
func (s *service) whyFor(url, method string, fields []string) (*why.Explanation, error) {
	r, err := s.requestFor(url, method, fields)
	if err != nil {
		return nil, err
	}
	return s.why(r), nil
}

// monitorNames are the names that the monitor is asked for by. With a token,
// which no page of another site has, that may be the machine's own name.
func monitorNames(addr, token string) []string {
	var names []string
	if host, _, err := net.SplitHostPort(addr); err == nil && host != "" {
		names = append(names, host)
	}
	if token != "" {
		if name, err := os.Hostname(); err == nil && name != "" {
			names = append(names, name, name+".")
		}
	}
	return names
}

// newMonitorEngine returns the server of the monitor. What it answers is not
// recorded: who looks at the figures does not change them.
func newMonitorEngine(m *monitor.Monitor, c *config.Server, log *slog.Logger) *httpd.Server {
	name := c.ServerHeader
	if name == "off" {
		name = "-"
	}
	return &httpd.Server{
		Handler:           m.Handler(),
		ServerName:        name,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelError),
		MaxConns:          monitorConns,
		MaxConnsPerClient: monitorConns,
		MaxBodyBytes:      monitorMaxBody,
	}
}

// announceMonitor says where the monitor is.
func (s *service) announceMonitor() {
	w := s.watched
	if w.listener == nil {
		return
	}
	addr, ok := w.listener.Addr().(*net.TCPAddr)
	if !ok {
		s.env.tell("monitor on unix:%s%s", w.listener.Addr(), w.notice)
		return
	}
	ip := addr.AddrPort().Addr().Unmap()
	if !ip.IsUnspecified() {
		s.env.tell("monitor on %s%s", webAddress("http", ip, addr.Port), w.notice)
		return
	}
	s.env.tell("monitor on %s%s", webAddress("http", netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port), w.notice)
	lan := s.env.LAN
	if lan == nil {
		lan = lanAddr
	}
	if other, ok := lan(); ok {
		s.env.tell("monitor on %s for other machines", webAddress("http", other, addr.Port))
	}
}

// close ends the monitor.
func (w *watched) close() error {
	if w == nil {
		return nil
	}
	var err error
	if w.Monitor != nil {
		err = w.Monitor.Close()
	}
	switch {
	case w.engine != nil:
		ctx, cancel := context.WithTimeout(context.Background(), monitorStop)
		defer cancel()
		if w.engine.Shutdown(ctx) != nil {
			w.engine.Close()
		}
		w.served.Wait()
	case w.listener != nil:
		w.listener.Close()
	}
	return err
}
