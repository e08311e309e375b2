package app

import (
	"errors"
	"slices"
	"strings"
	"time"

	"freshet/internal/config"
)

// reload obeys the configuration file anew: all of it, or, when something in
// it is wrong, nothing.
func (s *service) reload(always bool) {
	l := s.content.live
	if l == nil {
		return
	}
	next, err := l.read(always)
	if err != nil {
		s.keepOn(err)
		return
	}
	if next == nil {
		return
	}
	added, err := openAll(&next.Server, s.listeners)
	if err != nil {
		s.keepOn(err)
		return
	}
	was := l.file
	if err := l.apply(next); err != nil {
		closeAll(added)
		s.keepOn(err)
		return
	}
	s.dropListeners(&next.Server)
	s.listeners = append(s.listeners, added...)
	s.setListening()
	s.read.Store(time.Now().UnixNano())
	s.conf.ShutdownTimeout = next.Server.ShutdownTimeout
	s.addProgramGauges()
	s.addGuardGauges()
	s.start(added)
	first := s.certificates() == nil
	if err := s.reloadAuto(next); err != nil {
		s.log.Error("names get certificates as before", "err", err)
	}
	s.env.announce(fileTitle(l.run.File, next), added)
	s.log.Info("the configuration was read anew", "file", l.run.File)
	keys := config.NeedRestart(was, next)
	if first && s.certificates() != nil { // it was opened just now, by what the file says
		keys = slices.DeleteFunc(keys, func(k string) bool { return strings.HasPrefix(k, "tls-auto-") })
	}
	if len(keys) > 0 {
		s.log.Warn("some changes are obeyed at the next start only", "keys", strings.Join(keys, ", "))
	}
	s.limitJobs(&next.Server.Jobs) // last: a queue whose disk stands still takes its time
}

// keepOn tells why a file is not obeyed.
func (s *service) keepOn(err error) {
	var faults config.Faults
	if !errors.As(err, &faults) {
		s.log.Error("the configuration stays as it was", "err", err)
		return
	}
	for _, f := range faults {
		s.log.Error("the configuration stays as it was", "err", f.Text)
	}
}

// dropListeners closes the listeners that are not configured any more.
// Connections that they accepted go on.
func (s *service) dropListeners(c *config.Server) {
	s.listeners = slices.DeleteFunc(s.listeners, func(l *opened) bool {
		addrs := c.Listen
		if l.scheme == "https" {
			addrs = c.TLSListen
		}
		if slices.Contains(addrs, l.address) {
			return false
		}
		l.dropped.Store(true)
		l.Close()
		return true
	})
}
