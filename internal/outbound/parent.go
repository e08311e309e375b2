package outbound

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"freshet/internal/wire"
)

// Parent is a proxy that requests go by. It is immutable; the zero value, like
// nil, is no proxy: connections go straight to the origin.
type Parent struct {
	scheme, host, port string
	user, password     string
	named              bool // there is a user
	id                 string
	basic              string // of Proxy-Authorization; "" without a user
}

// parentPorts are the ports of parents that name none.
var parentPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

var (
	errParentForm   = errors.New(`it is not of the form scheme://[user:password@]host[:port], nor "direct"`)
	errParentScheme = errors.New("its scheme is none of http, https, socks5 and socks5h")
	errParentLogin  = errors.New("its user or password cannot be sent")
)

// ParseParent reads how a proxy is written:
//
//	direct
//	[http://][user:password@]host[:port]
//	https://[user:password@]host[:port]
//	socks5://[user:password@]host[:port]     names are resolved here
//	socks5h://[user:password@]host[:port]    names are resolved there
//
// User and password are percent-encoded. Without a port it is 80, 443 or 1080.
// An error does not repeat the password.
func ParseParent(s string) (*Parent, error) {
	if s == "direct" {
		return &Parent{}, nil
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || !wire.ValidHost(u.Host) || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("read proxy: %w", errParentForm)
	}
	p := &Parent{scheme: u.Scheme, host: u.Hostname(), port: u.Port()}
	byDefault, known := parentPorts[p.scheme]
	if !known {
		return nil, fmt.Errorf("read proxy %s: %w", u.Redacted(), errParentScheme)
	}
	if p.port == "" {
		p.port = byDefault
	}
	if u.User != nil {
		if err := p.setLogin(u.User); err != nil {
			return nil, fmt.Errorf("read proxy %s: %w", u.Redacted(), err)
		}
	}
	p.id = p.scheme + "://" + p.addr() + "\x00" + p.user + "\x00" + p.password
	return p, nil
}

// setLogin sets the credentials. A user with a colon cannot be told from its
// password (RFC 7617 §2), and SOCKS has an octet for each length (RFC 1929 §2).
func (p *Parent) setLogin(login *url.Userinfo) error {
	p.named, p.user = true, login.Username()
	p.password, _ = login.Password()
	for _, c := range []byte(p.user + p.password) {
		if c < ' ' || c == 0x7f {
			return errParentLogin
		}
	}
	if p.socks() {
		if p.user == "" || len(p.user) > 255 || p.password == "" || len(p.password) > 255 {
			return errParentLogin
		}
		return nil
	}
	if strings.Contains(p.user, ":") {
		return errParentLogin
	}
	p.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password))
	return nil
}

// Direct reports whether p is no proxy.
func (p *Parent) Direct() bool { return p == nil || p.scheme == "" }

// String returns scheme, host and port; no user and no password.
func (p *Parent) String() string {
	if p.Direct() {
		return "direct"
	}
	return p.scheme + "://" + p.addr()
}

func (p *Parent) addr() string { return net.JoinHostPort(p.host, p.port) }

func (p *Parent) socks() bool { return strings.HasPrefix(p.scheme, "socks") }

// forwards reports whether requests for http go to p itself, in absolute form.
func (p *Parent) forwards() bool { return !p.Direct() && !p.socks() }

// resolves reports whether names are resolved by p.
func (p *Parent) resolves() bool { return !p.Direct() && p.scheme != "socks5" }

// ParentError says that a parent did not lead to a destination. It is the Err
// of an Error.
type ParentError struct {
	Parent string // as Parent.String

	// Status and Reason are of the parent's answer to CONNECT; 0 if it gave
	// none. ProxyStatus is its field of that name (RFC 9209), "" without.
	Status              int
	Reason, ProxyStatus string

	Err error // what happened; nil if Status says it
}

// Error implements error.
func (e *ParentError) Error() string {
	s := "proxy " + e.Parent
	if e.Status != 0 {
		s += fmt.Sprintf(" answered %d", e.Status)
		if e.Reason != "" {
			s += fmt.Sprintf(" (%q)", e.Reason)
		}
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *ParentError) Unwrap() error { return e.Err }
