package forward

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"freshet/internal/field"
	"freshet/internal/outbound"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/proxy"
)

// Whoever reads an error page of a forward proxy asked for a host, and may not
// know of a proxy at all: the page says who speaks, of which host, what happened,
// and what to do. What rules say of "the origin" is said of that host.

// speaker begins each of these texts.
const speaker = "freshet filter, your proxy, "

// words tells why there is no answer, for the error page of a request in origin
// form.
func (h *Handler) words(r *http.Request, e *proxy.Error) string {
	port := "80"
	if r.TLS != nil {
		port = "443"
	}
	return h.failure(r.Host, port, e.Rule, outbound.Kind(e.Kind), e.Err)
}

// failure is words for a host, of which port is the default one.
func (h *Handler) failure(hostport, port string, id rule.ID, kind outbound.Kind, err error) string {
	host := strings.TrimSuffix(hostport, ":"+port)
	name := host
	if bare, given, err := net.SplitHostPort(hostport); err == nil {
		name, port = bare, given
	}
	var prohibited *outbound.ProhibitedError
	if errors.As(err, &prohibited) {
		return speaker + "does not connect to " + shown(host) + ": " + whyProhibited(prohibited)
	}
	if id == rule.ProxyLoop {
		return speaker + "does not ask for " + shown(host) + ": " + rule.Of(id).Sentence + ". The server or a proxy behind this one sends the request back; two proxies in one chain need two names (--proxy-name)."
	}
	f := failed{h: h, who: shown(name), port: port, kind: kind, err: err}
	if errors.As(err, &f.parent) {
		f.who, f.port = "the proxy that it goes through", ""
	}
	what, advice := f.tell()
	if what == "" {
		row := rule.Of(id)
		what, advice = inPlaceOfOrigin(row.Sentence, f.who), inPlaceOfOrigin(row.Remedy, f.who)
		if row.Clause != "" {
			what += " (" + row.Clause + ")"
		}
	}
	text := speaker + "has no answer of " + shown(host) + ": " + what + "."
	if advice != "" {
		text += " " + strings.ToUpper(advice[:1]) + strings.TrimSuffix(advice[1:], ".") + "."
	}
	return text
}

// refusal tells why a request reaches nobody.
func refusal(r *http.Request, id rule.ID) string {
	row := rule.Of(id)
	if port, ok := portOf(r); ok && id == rule.FilterPort {
		return speaker + "connects to no port " + strconv.Itoa(port) + " (" + shown(r.URL.Host) + "): start it with --port " + strconv.Itoa(port) + " to allow that."
	}
	return speaker + "does not take this request: " + row.Explain()
}

// inPlaceOfOrigin names the server in a text of a rule.
func inPlaceOfOrigin(text, host string) string {
	return strings.ReplaceAll(text, "the origin", host)
}

// whyProhibited says which address is not connected to, and what would allow it.
func whyProhibited(p *outbound.ProhibitedError) string {
	if !p.Addr.IsValid() {
		return "it is " + p.What + ". If it is to be reached, start freshet filter with --allow-private."
	}
	what := "it is " + p.What
	if p.Host != p.Addr.String() {
		what = "it is " + p.Addr.String() + ", " + p.What
	}
	network := netip.PrefixFrom(p.Addr.WithZone(""), p.Addr.BitLen()).String()
	return what + ". If it is to be reached, start freshet filter with --allow-destination " + network + ", or with --allow-private for all private addresses."
}

// failed is what is known of a server, or a parent, that gave no answer.
type failed struct {
	h      *Handler
	who    string
	port   string // "" of a parent
	kind   outbound.Kind
	err    error
	parent *outbound.ParentError // nil when the server itself was asked
}

// tell says what happened and what to do; "" when the rule has to.
func (f *failed) tell() (what, advice string) {
	if f.parent != nil && f.parent.Status != 0 {
		return f.toldByParent()
	}
	limit := seconds(f.h.o.ConnectTimeout)
	var op string
	var e *outbound.Error
	if errors.As(f.err, &e) {
		op = e.Op
	}
	switch f.kind {
	case outbound.DNSError:
		return f.unnamed()
	case outbound.DNSTimeout:
		return "no resolver answered in time for the name of " + f.who, "check the network of the machine that the proxy runs on, and try again"
	case outbound.ConnectionRefused:
		return f.who + " refused the connection" + f.at(), "check the port; or nothing runs there at the moment"
	case outbound.ConnectionTimeout:
		if strings.Contains(op, "handshake") {
			return f.who + " did not end the handshake of TLS within " + limit, "try again later"
		}
		return f.who + " took no connection" + f.at() + " within " + limit, "it may be down, or something in between drops what is sent to it; try again later"
	case outbound.DestinationUnroutable:
		return "there is no way from here to " + f.who, "check the network of the machine that the proxy runs on"
	case outbound.DestinationUnavailable:
		return "no connection to " + f.who + f.at() + " came about", "check the address, and the network of the machine that the proxy runs on"
	case outbound.TLSCertificateError:
		return f.who + "'s certificate is not valid: " + f.certificate(), "nothing was sent: somebody else may answer in its place; if the server is yours, mend its certificate, or have the system of the proxy trust who issued it"
	case outbound.TLSAlertReceived, outbound.TLSProtocolError:
		return f.who + " and the proxy found no common TLS" + f.at(), "check the port, and whether the address is one of http:"
	case outbound.ConnectionTerminated:
		return f.who + " closed the connection before it answered", "try again; if that does not change, its own log may say why"
	case outbound.ResponseTimeout, outbound.ConnectionReadTimeout:
		return f.who + " did not begin its answer within " + seconds(f.h.o.HeadTimeout), "try again later"
	}
	return "", ""
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) + " s"
}

func (f *failed) at() string {
	if f.port == "" {
		return ""
	}
	return " at port " + f.port
}

// unnamed is for a name that leads nowhere.
func (f *failed) unnamed() (what, advice string) {
	var dns *net.DNSError
	if errors.As(f.err, &dns) && !dns.IsNotFound {
		return "the name of " + f.who + " could not be resolved (" + shown(dns.Err) + ")", "check the network and the resolver of the machine that the proxy runs on"
	}
	return "no host of that name is known", "check the spelling; names are resolved by the machine that the proxy runs on"
}

// toldByParent is for what a parent answered instead of opening a way.
func (f *failed) toldByParent() (what, advice string) {
	status := strconv.Itoa(f.parent.Status)
	switch f.parent.Status {
	case http.StatusProxyAuthRequired:
		return f.who + " wants a name and a password, or others (407)", "give them in --parent, as http://user:password@host:port"
	case http.StatusForbidden:
		return f.who + " refused to go there (403)", "ask who runs it"
	}
	return f.who + " answered " + status, "it may know more in its own log"
}

// maxNames bounds the names of a certificate that are told.
const maxNames = 3

// certificate says what is wrong with one.
func (f *failed) certificate() string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(f.err, &authority):
		text := "nobody whom the proxy trusts vouches for it"
		if c := authority.Cert; c != nil {
			text += " (it was issued by " + strconv.Quote(shown(c.Issuer.String())) + ")"
		}
		return text
	case errors.As(f.err, &name) && name.Certificate != nil:
		return "it is for " + namesOf(name.Certificate)
	case errors.As(f.err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		if now := time.Unix(0, f.h.o.Now()); now.Before(invalid.Cert.NotBefore) {
			return "it is valid from " + day(invalid.Cert.NotBefore) + " on, and today is " + day(now)
		}
		return "it has expired, on " + day(invalid.Cert.NotAfter)
	case f.err != nil:
		return shown(f.err.Error())
	}
	return "it is not valid"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// namesOf are the first names that a certificate is for.
func namesOf(c *x509.Certificate) string {
	var all []string
	for _, name := range c.DNSNames {
		all = append(all, shown(name))
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	switch n := len(all); {
	case n == 0:
		return "no host"
	case n > maxNames:
		return strings.Join(all[:maxNames], ", ") + " and " + why.Count(int64(n-maxNames), "other name")
	}
	return strings.Join(all, ", ")
}

// maxShown bounds a text of others on a page of ours.
const maxShown = 256

// shown is a text of others, without what a terminal obeys.
func shown(s string) string {
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return strings.Map(func(r rune) rune {
		if field.Obeyed(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
