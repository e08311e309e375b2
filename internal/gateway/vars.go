package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/field"
	"freshet/internal/who"
	"freshet/internal/wire"
)

// Var is a meta-variable (RFC 3875 §4.1).
type Var struct{ Name, Value string }

// Script is the program that a request is for.
type Script struct {
	Root     string // folder that the site's paths are in: DOCUMENT_ROOT; may be ""
	Name     string // path of the program in the URL, decoded: SCRIPT_NAME
	File     string // the program's file: SCRIPT_FILENAME; "" when it has none
	PathInfo string // what follows Name, decoded: PATH_INFO; "" or begins with a slash
}

// VarOptions say what else programs are told.
type VarOptions struct {
	// Software is SERVER_SOFTWARE; "" means "freshet".
	Software string
	// User is REMOTE_USER: who the server found the client to be; "" for nobody.
	// What the request's context says (package who) goes before.
	User string
	// AuthType is AUTH_TYPE, for a User.
	AuthType string
	// PassAuthorization has HTTP_AUTHORIZATION tell the client's credentials,
	// for programs that check them themselves (RFC 3875 §4.1.18 warns of it).
	PassAuthorization bool
	// Trusted are the networks of the proxies in front of this server: what they
	// say of their clients is told, in HTTP_X_FORWARDED_FOR and its like. What
	// others say in such fields is not: programs would take it for the address
	// that they are at, or that a client has, and a cache would give the answer
	// to everybody, for they are no part of its key.
	Trusted []netip.Prefix
	// Unique is UNIQUE_ID, the request's name in the access log.
	Unique string
	// Length is the body's length in octets when the request does not tell it,
	// but it was found out (Spool); 0 or less means what the request says.
	Length int64
}

// AppendVars appends the meta-variables of a request. Fields become HTTP_ variables,
// but for those that could be mistaken for another one (a name that has more than
// letters, digits and hyphens, of which some languages make underscores), that
// speak of the connection, those of VarOptions.Trusted, and Proxy, which some programs would obey as the
// variable HTTP_PROXY. No name is appended twice.
func AppendVars(dst []Var, r *http.Request, s *Script, o *VarOptions) []Var {
	dst = append(dst,
		Var{"GATEWAY_INTERFACE", "CGI/1.1"},
		Var{"SERVER_SOFTWARE", orElse(o.Software, "freshet")},
		Var{"SERVER_PROTOCOL", r.Proto},
		Var{"REQUEST_METHOD", r.Method},
		Var{"QUERY_STRING", r.URL.RawQuery},
		Var{"REQUEST_URI", target(r)},
		Var{"DOCUMENT_URI", s.Name + s.PathInfo},
		Var{"SCRIPT_NAME", s.Name},
	)
	dst = appendServer(dst, r)
	dst = appendClient(dst, r)
	dst = appendFiles(dst, s)
	dst = appendBody(dst, r, o.Length)
	user, method := o.User, o.AuthType
	if w := who.Of(r); w != nil {
		user, method = w.Name, w.Method
	}
	for _, v := range [...]Var{{"REMOTE_USER", user}, {"UNIQUE_ID", o.Unique}} {
		if v.Value != "" {
			dst = append(dst, v)
		}
	}
	if user != "" && method != "" {
		dst = append(dst, Var{"AUTH_TYPE", method})
	}
	dst = appendCertificate(dst, r)
	return appendFields(dst, r, o)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// target is the path and query as the client sent them; of a target that names
// scheme and host, too (RFC 9112 §3.2.2), what follows these.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") || r.RequestURI == "*" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// appendServer tells of the server: its name as the client knows it, and the
// port that the request came to (RFC 3875 §4.1.14, §4.1.15).
func appendServer(dst []Var, r *http.Request) []Var {
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
		dst = append(dst, Var{"HTTPS", "on"})
	}
	if local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr); local != nil {
		if host, p := splitLocal(local); host != "" {
			dst, port = append(dst, Var{"SERVER_ADDR", host}), orElse(p, port)
		}
	}
	name := r.Host
	if strings.IndexByte(name, ':') >= 0 { // else it would be an error, which is no use
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
			if strings.IndexByte(host, ':') >= 0 {
				name = "[" + host + "]"
			}
		}
	}
	return append(dst, Var{"REQUEST_SCHEME", scheme}, Var{"SERVER_NAME", orElse(name, "localhost")}, Var{"SERVER_PORT", port})
}

// appendClient tells of the client. Names of hosts are not looked up:
// REMOTE_HOST is the address, as RFC 3875 §4.1.9 allows. Clients of a Unix
// socket have no address, and are called "unix:".
func appendClient(dst []Var, r *http.Request) []Var {
	host, port := splitAddr(r.RemoteAddr)
	host = orElse(host, "unix:")
	dst = append(dst, Var{"REMOTE_ADDR", host}, Var{"REMOTE_HOST", host})
	if port != "" {
		dst = append(dst, Var{"REMOTE_PORT", port})
	}
	return dst
}

// splitAddr splits an IP address, without a zone (RFC 3875 §4.1.8 knows none),
// from the port after it; "" when s is no such address, as of a Unix socket,
// whose name may have a colon.
func splitAddr(s string) (host, port string) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		if host, port, _ = strings.Cut(s, ":"); ap.Addr().Is4() && port[0] != '0' {
			return host, port // as they would be written
		}
		return splitAddrPort(ap)
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone("").String(), ""
	}
	return "", ""
}

func splitAddrPort(ap netip.AddrPort) (host, port string) {
	return ap.Addr().Unmap().WithZone("").String(), strconv.Itoa(int(ap.Port()))
}

// splitLocal is splitAddr for an address of ours.
func splitLocal(a net.Addr) (host, port string) {
	if t, ok := a.(*net.TCPAddr); ok && t != nil && len(t.IP) > 0 {
		return splitAddrPort(t.AddrPort())
	}
	return splitAddr(a.String())
}

func appendFiles(dst []Var, s *Script) []Var {
	if s.Root != "" {
		dst = append(dst, Var{"DOCUMENT_ROOT", s.Root})
	}
	if s.File != "" {
		dst = append(dst, Var{"SCRIPT_FILENAME", s.File})
	}
	if s.PathInfo == "" {
		return dst
	}
	dst = append(dst, Var{"PATH_INFO", s.PathInfo})
	if s.Root != "" {
		dst = append(dst, Var{"PATH_TRANSLATED", strings.TrimSuffix(s.Root, "/") + s.PathInfo})
	}
	return dst
}

// appendBody tells of the body; nothing when there is none (RFC 3875 §4.1.2).
func appendBody(dst []Var, r *http.Request, length int64) []Var {
	if length <= 0 {
		length = r.ContentLength
	}
	if length > 0 || length == 0 && r.Header["Content-Length"] != nil {
		dst = append(dst, Var{"CONTENT_LENGTH", strconv.FormatInt(length, 10)})
	}
	if t := r.Header["Content-Type"]; len(t) > 0 && t[0] != "" {
		dst = append(dst, Var{"CONTENT_TYPE", t[0]})
	}
	return dst
}

// appendFields tells of the fields (RFC 3875 §4.1.18), in the order of their names.
func appendFields(dst []Var, r *http.Request, o *VarOptions) []Var {
	first, trusted := len(dst), o.trusts(r.RemoteAddr)
	if r.Host != "" {
		dst = append(dst, Var{"HTTP_HOST", r.Host})
	}
	for name, values := range r.Header {
		v, common := commonVariables[name]
		if len(values) == 0 || !trusted && forwards(name) || (!common || name == "Authorization") && !told(name, o.PassAuthorization) {
			continue
		}
		if !common {
			v = makeVariable(name)
		}
		separator := ", "
		if name == "Cookie" {
			separator = "; "
			if values = field.WithoutCookies(values, field.MonitorCookie); len(values) == 0 {
				continue
			}
		}
		dst = append(dst, Var{v, strings.Join(values, separator)})
	}
	slices.SortFunc(dst[first:], func(a, b Var) int { return strings.Compare(a.Name, b.Name) })
	return dst
}

// told reports whether programs are told of a field.
func told(name string, authorization bool) bool {
	switch name {
	case "Content-Length", "Content-Type", "Host", "Proxy", "Expect", who.Field:
		return false
	case "Authorization":
		return authorization
	}
	return plain(name) && !slices.Contains(wire.HopByHop, name)
}

// forwards reports whether a field is one in which proxies tell of their
// clients.
func forwards(name string) bool {
	return name == "Forwarded" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-")
}

// trusts reports whether a peer is one of the proxies in front.
func (o *VarOptions) trusts(peer string) bool {
	if len(o.Trusted) == 0 {
		return false
	}
	ap, err := netip.ParseAddrPort(peer)
	a := ap.Addr().Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(o.Trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// plain reports whether a name has letters, digits and hyphens only.
func plain(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-':
		default:
			return false
		}
	}
	return true
}

// commonVariables are those of fields that most requests have, and that
// programs are told of: their names need not be looked at and made each time.
var commonVariables = func() map[string]string {
	m := make(map[string]string)
	for _, name := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Cookie", "Dnt",
		"Forwarded", "From", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Origin",
		"Pragma", "Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest",
		"Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Upgrade-Insecure-Requests", "User-Agent", "Via",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "X-Requested-With",
	} {
		m[name] = makeVariable(name)
	}
	return m
}()

func makeVariable(name string) string {
	b := make([]byte, 0, len("HTTP_")+len(name))
	b = append(b, "HTTP_"...)
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-':
			c = '_'
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}
