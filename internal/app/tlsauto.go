package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"freshet/httpd"
	"freshet/internal/acme"
	"freshet/internal/config"
	counters "freshet/internal/metrics"
	"freshet/internal/strength"
)

// openAutoTLS puts certificates by ACME before others, when there are names for
// them, or a file that may have some later; files are those of files, and those
// of the names go before.
func (s *service) openAutoTLS(files, others *tls.Config) (*tls.Config, error) {
	live := s.content.live
	if files != nil {
		s.inFiles = files.GetCertificate
	}
	if len(s.conf.Auto.Names) == 0 && s.conf.Auto.Ask == "" && live == nil {
		return others, nil
	}
	s.auto = &autoTLS{}
	if live != nil {
		s.auto = live.auto
	}
	s.auto.files = s.inFiles
	if others != nil {
		s.auto.others = others.GetCertificate
	}
	names := s.conf.Auto.Names
	if live != nil {
		names = live.file.AutoNames()
	}
	if err := s.openAuto(s.conf, names); err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: s.auto.get, NextProtos: acme.Protocols}, nil
}

// openAuto opens what gets certificates for names, if there are any.
func (s *service) openAuto(c *config.Server, names []string) error {
	if len(names) == 0 && c.Auto.Ask == "" {
		return nil
	}
	o, err := autoOptions(&c.Auto, names, s.env.Environ)
	if err != nil {
		return err
	}
	o.HTTP, o.TLS = proofsAt(c.Listen, c.TLSListen)
	if c.Auto.Fleet && c.Jobs.Join != (config.Secret{}) {
		o.Hub = &s.hub
	}
	o.Log, o.Seal, o.Check = s.log.Logger, s.ring, s.env.CertificatesEvery
	m, err := acme.Open(o)
	if err != nil {
		return fmt.Errorf("certificates by ACME: %w", err)
	}
	s.auto.own.Store(m)
	return nil
}

// reloadAuto has the names of a file that is obeyed now get certificates, those
// of its sites with them. Its faults leave the names as they were.
func (s *service) reloadAuto(f *config.File) error {
	names, had := f.AutoNames(), s.auto.own.Load()
	if had != nil {
		byHTTP, byTLS := proofsAt(f.Server.Listen, f.Server.TLSListen)
		before := had.Names()
		if err := had.Set(names, byHTTP, byTLS); err != nil {
			return err
		}
		s.announceAuto(func(name string) bool { return !slices.Contains(before, name) })
		return nil
	}
	if err := s.openAuto(&f.Server, names); err != nil || s.certificates() == nil {
		return err
	}
	s.addAutoGauges()
	s.env.tell("names are proven to the authority %s", proofWords(&f.Server))
	s.announceAuto(func(string) bool { return true })
	s.auto.own.Load().Start()
	return nil
}

// autoOptions are what the settings say.
func autoOptions(c *config.Auto, names, environ []string) (acme.Options, error) {
	o := acme.Options{Names: names, Folder: c.Data, Email: c.Email, DNSHook: c.DNS, NewNames: int(c.NewNames)}
	if len(c.Directory) > 0 {
		o.Directory, o.Others = c.Directory[0], c.Directory[1:]
	}
	ask, err := askAuto(c)
	if err != nil {
		return o, fmt.Errorf("--tls-auto-ask: %w", err)
	}
	o.Ask = ask
	if o.Folder == "" {
		dir := userFolder(environ, "XDG_DATA_HOME", ".local/share")
		if dir == "" {
			return o, errors.New("certificates by ACME need a folder: give --tls-auto-data DIR, or set HOME or XDG_DATA_HOME")
		}
		o.Folder = filepath.Join(dir, "certificates")
	}
	for _, name := range c.Names {
		if err := checkAutoName(name, c); err != nil {
			return o, fmt.Errorf("--tls-auto: %s: %w", name, err)
		}
	}
	if c.CA == "" {
		return o, nil
	}
	data, err := os.ReadFile(c.CA)
	if err != nil {
		return o, fmt.Errorf("--tls-auto-ca %s: %w", c.CA, cause(err))
	}
	if err := strength.Roots(data); err != nil {
		return o, fmt.Errorf("--tls-auto-ca %s: %w", c.CA, err)
	}
	o.Roots = x509.NewCertPool()
	if !o.Roots.AppendCertsFromPEM(data) {
		return o, fmt.Errorf("--tls-auto-ca %s: there is no certificate in it; give a file in PEM", c.CA)
	}
	return o, nil
}

// keptForFleet answers members of the fleet, if this server keeps its
// certificates; nil: it does not.
func (s *service) keptForFleet() func(context.Context, string, []byte) ([]byte, error) {
	if !s.conf.Auto.Fleet {
		return nil
	}
	return func(ctx context.Context, from string, question []byte) ([]byte, error) {
		own := s.certificates()
		if own == nil {
			return nil, errors.New("the hub gets no certificates itself; give it a name, with --tls-auto")
		}
		return own.Answer(ctx, from, question)
	}
}

// askAuto is what permits names on demand; nil: there are none.
func askAuto(c *config.Auto) (func(context.Context, string) error, error) {
	if c.Ask == "" {
		return nil, nil
	}
	ask := acme.AskProgram(c.Ask)
	if !filepath.IsAbs(c.Ask) {
		var err error
		if ask, err = acme.AskURL(c.Ask); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, name string) error {
		if err := checkAutoName(name, c); err != nil {
			return fmt.Errorf("%w: %w", acme.ErrNo, err)
		}
		return ask(ctx, name)
	}, nil
}

// checkAutoName says why a name can get no certificate with these settings.
func checkAutoName(name string, c *config.Auto) error {
	if len(c.Directory) == 0 && isLocal(name) {
		return errors.New("no public authority answers for a name that anybody can have; see --tls-local, or give --tls-auto-directory URL of an authority of your own")
	}
	return acme.CheckName(name, c.DNS != "")
}

// checkAuto looks at the names of a site that gets certificates by ACME.
func (b *builder) checkAuto(f *config.File, c *config.Site) error {
	if c.TLS != "auto" {
		return nil
	}
	for _, name := range c.Names {
		err := checkAutoName(name, &f.Server.Auto)
		if err == nil {
			continue
		}
		line := c.Line
		for _, given := range c.Given {
			if given.Key == "names" && given.Line > 0 {
				line = given.Line
			}
		}
		return b.at(line, fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

// proofsAt returns whether an authority is to ask by HTTP and by TLS. It asks at
// ports 80 and 443, and nowhere else. With a listener on 443 what listens
// elsewhere without TLS is for something else; with none the ports are led to
// others here, and nobody can know which.
func proofsAt(plain, secure []string) (byHTTP, byTLS bool) {
	byHTTP = len(plain) > 0 && (atPort(plain, "80", "http") || !atPort(secure, "443", "https"))
	return byHTTP, len(secure) > 0
}

// atPort reports whether one of the listeners has the port, by number or name.
func atPort(listeners []string, ports ...string) bool {
	return slices.ContainsFunc(listeners, func(addr string) bool {
		_, port, err := net.SplitHostPort(addr)
		return err == nil && slices.Contains(ports, port)
	})
}

// proofWords say how names are proven, and where.
func proofWords(c *config.Server) string {
	if c.Auto.DNS != "" {
		return "by the DNS, with " + c.Auto.DNS
	}
	var ways []string
	byHTTP, byTLS := proofsAt(c.Listen, c.TLSListen)
	if byHTTP {
		ways = append(ways, "HTTP-01, asked at port 80 and answered at "+strings.Join(c.Listen, " "))
	}
	if byTLS {
		ways = append(ways, "TLS-ALPN-01, asked at port 443 and answered at "+strings.Join(c.TLSListen, " "))
	}
	return "by " + strings.Join(ways, ", or by ")
}

// autoTLS chooses between certificates by ACME and others.
type autoTLS struct {
	own           atomic.Pointer[acme.Manager]                         // nil: there are no names so far
	files, others func(*tls.ClientHelloInfo) (*tls.Certificate, error) // nil: none
	local         *localTLS                                            // beside files; nil: --tls-local is not asked for
}

// get is for tls.Config. A name of ours gets a certificate that is for it, or
// none.
func (a *autoTLS) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	own, name := a.own.Load(), askedFor(hello)
	switch {
	case own == nil && a.others != nil:
		return a.others(hello)
	case own == nil:
		return nil, errNoCertificate
	case acme.IsChallenge(hello):
		return own.GetCertificate(hello)
	case !own.Has(name) && own.OnDemand(name):
		if a.others != nil {
			given, err := a.others(hello)
			if err == nil && isGood(given, name) {
				return given, nil
			}
		}
	case !own.Has(name) && a.others != nil:
		return a.others(hello)
	case a.files != nil:
		given, err := a.files(hello)
		if err == nil && isGood(given, name) {
			return given, nil
		}
	}
	return own.GetCertificate(hello)
}

// proving puts the answers to an authority before a handler, and its hot path.
func (s *service) proving(h http.Handler, hot httpd.HotHandler) (http.Handler, httpd.HotHandler) {
	if s.auto == nil {
		return h, hot
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own := s.auto.own.Load(); own != nil && r.TLS == nil && own.HTTPChallenge(w, r) {
			return
		}
		h.ServeHTTP(w, r)
	})
	if hot == nil {
		return next, nil
	}
	return next, unproven{hot}
}

// unproven is a hot path that leaves alone what an authority may have asked.
type unproven struct{ httpd.HotHandler }

// ServeHot implements httpd.HotHandler. What an authority asks has no encoding
// in it, for a token has no character that needs one.
func (u unproven) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if !q.TLS && strings.HasPrefix(q.Path, acme.ChallengePath) {
		return false
	}
	return u.HotHandler.ServeHot(q, a)
}

// startAutoTLS begins to ask for certificates, now that the authority can ask
// back, and says for which names there are some.
func (s *service) startAutoTLS() {
	own := s.certificates()
	if own == nil {
		return
	}
	s.env.tell("names are proven to the authority %s", proofWords(s.conf))
	s.announceAuto(func(string) bool { return true })
	own.Start()
}

// certificates are those by ACME; nil: there are none.
func (s *service) certificates() *acme.Manager { return s.auto.manager() }

func (a *autoTLS) manager() *acme.Manager {
	if a == nil {
		return nil
	}
	return a.own.Load()
}

// signer is the local authority; nil: there is none.
func (a *autoTLS) signer() *localTLS {
	if a == nil {
		return nil
	}
	return a.local
}

// announceAuto says for which of some names there is a certificate.
func (s *service) announceAuto(of func(name string) bool) {
	for _, n := range s.certificates().State() {
		switch {
		case !of(n.Name):
		case n.Until.IsZero():
			s.env.tell("asking for a certificate for %s; until there is one, who asks for that name over TLS is refused", n.Name)
		default:
			s.env.tell("a certificate for %s is valid until %s", n.Name, n.Until.Format(time.RFC3339))
		}
	}
}

// addAutoGauges has the monitor show how certificates are.
func (s *service) addAutoGauges() {
	own := s.certificates()
	if own == nil {
		return
	}
	count := func(what func(acme.State) bool) func() float64 {
		return func() (n float64) {
			for _, state := range own.State() {
				if what(state) {
					n++
				}
			}
			return n
		}
	}
	m := s.figures.Metrics
	m.AddGauge(counters.Gauge{Name: "certificates_missing", Help: "Names without a certificate that they are to have", Value: count(func(n acme.State) bool { return n.Until.IsZero() })})
	m.AddGauge(counters.Gauge{Name: "certificates_failing", Help: "Names whose certificate could not be obtained or renewed when that was tried last", Value: count(func(n acme.State) bool { return n.Err != nil })})
	m.AddGauge(counters.Gauge{Name: "certificate_seconds", Unit: "seconds", Help: "Time until the first certificate by ACME ends", Value: func() float64 {
		var first time.Time
		for _, n := range own.State() {
			if !n.Until.IsZero() && (first.IsZero() || n.Until.Before(first)) {
				first = n.Until
			}
		}
		if first.IsZero() {
			return 0
		}
		return max(time.Until(first).Seconds(), 0)
	}})
}

// closeAutoTLS ends what asks for certificates.
func (s *service) closeAutoTLS() error {
	if own := s.certificates(); own != nil {
		return own.Close()
	}
	return nil
}
