package app

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/internal/wire"
)

// whyHandler answers commands, and programs, that ask why:
//
//	/why.json?url=URL&method=GET&field=Name:+value&client=ADDRESS
//	                                                 how it would be answered
//	/why/ID.json                                     why it was
//
// field may be repeated; client is where the connection would come from, "unix:" for
// a Unix socket, and this machine unless it is said. With .txt instead of .json it is text of width=N
// columns. The status is 404 for a request that is not known any more.
func (s *service) whyHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		e, status, err := s.whyAsked(r)
		if err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".txt") {
			width, _ := strconv.Atoi(r.URL.Query().Get("width"))
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Write(e.AppendText(nil, width))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		d := json.NewEncoder(w)
		d.SetEscapeHTML(false)
		d.SetIndent("", "  ")
		d.Encode(e) // an error means that the client is gone
	})
}

// whyAsked makes the explanation that is asked for.
func (s *service) whyAsked(r *http.Request) (*why.Explanation, int, error) {
	if name := r.PathValue("name"); name != "" {
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".txt")
		id, ok := record.ParseID(name)
		if !ok {
			return nil, http.StatusBadRequest, fmt.Errorf("%q is not the name of a request", name)
		}
		e := s.whyID(r.Context(), id)
		if e == nil {
			_, size := s.journal.Len()
			return nil, http.StatusNotFound, fmt.Errorf("no request %s is known: the last %d are kept, once they are answered", name, size)
		}
		return e, 0, nil
	}
	q := r.URL.Query()
	asked, err := s.requestFor(q.Get("url"), q.Get("method"), q["field"])
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	if asked.RemoteAddr, err = remoteOf(q.Get("client")); err != nil {
		return nil, http.StatusBadRequest, err
	}
	return s.why(asked), 0, nil
}

// remoteOf returns the address of a connection from a client.
func remoteOf(client string) (string, error) {
	switch client {
	case "":
		client = "127.0.0.1"
	case "unix:":
		return "@", nil
	}
	a, err := netip.ParseAddr(client)
	if err != nil {
		return "", fmt.Errorf("%q is no address of a client; give unix:, or one such as 192.0.2.7", client)
	}
	return netip.AddrPortFrom(a, 1).String(), nil
}

// maxFields bounds the fields of a request that is asked about.
const maxFields = 1000

// requestFor makes the request that is asked about, as the engine would make
// it of one that was sent.
func (s *service) requestFor(address, method string, fields []string) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Host == "" && strings.HasPrefix(u.Path, "/") {
		if u, err = s.firstAddress().Parse(address); err != nil {
			return nil, err
		}
	}
	if method == "" {
		method = http.MethodGet
	}
	if u.Path == "" {
		u.Path = "/"
	}
	r := &http.Request{
		Method: method, Host: u.Host, RemoteAddr: "127.0.0.1:1", Header: http.Header{}, Body: http.NoBody,
		URL:   &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	switch {
	case u.Scheme == "https":
		r.TLS = &tls.ConnectionState{ServerName: u.Hostname(), HandshakeComplete: true}
	case u.Scheme != "http":
		return nil, fmt.Errorf("%q is no address of http or https", address)
	}
	for i, line := range fields {
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		switch {
		case !ok || i == maxFields:
			return nil, fmt.Errorf("field %q: a name, a colon and a value are needed, of at most %d fields", line, maxFields)
		case strings.EqualFold(name, "Host"):
			r.Host = value
		default:
			name = http.CanonicalHeaderKey(name)
			r.Header[name] = append(r.Header[name], value)
		}
	}
	r.RequestURI = r.URL.RequestURI()
	if err := frame(r); err != nil {
		return nil, err
	}
	switch {
	case !wire.ValidMethod(r.Method):
		return nil, fmt.Errorf("%q is no method", r.Method)
	case !wire.ValidHost(r.Host):
		return nil, fmt.Errorf("%q is no host", r.Host)
	}
	if id := wire.CheckFields(r.Header); id != 0 {
		return nil, errors.New(id.Explain())
	}
	return r, nil
}

// frame says by the request's fields that it has a body, and takes them out, as
// the engine does.
func frame(r *http.Request) error {
	if length := r.Header.Get("Content-Length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 63)
		if err != nil || n < 0 {
			return errors.New(rule.LengthInvalid.Explain())
		}
		r.ContentLength = n
	}
	if len(r.Header["Transfer-Encoding"]) > 0 {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	}
	delete(r.Header, "Content-Length")
	delete(r.Header, "Transfer-Encoding")
	return nil
}

// firstAddress is where the server listens, the first if in several places.
func (s *service) firstAddress() *url.URL {
	first := &url.URL{Scheme: "http", Host: "localhost", Path: "/"}
	all := s.listening()
	if len(all) == 0 {
		return first
	}
	first.Scheme = all[0].scheme
	if u, err := url.Parse(localAddress(all[0])); err == nil && u.Host != "" {
		first.Host = u.Host
	}
	return first
}
