package app

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"freshet/client"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// parseGetURL reads a URL as people type it: without a scheme it is http. asIs
// leaves /../ and /./ in its path.
func parseGetURL(raw string, asIs bool) (*url.URL, error) {
	text := raw
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c == 0x7f {
			return nil, getFaultf(getBadURL, "%q is no URL: it has a space or a control character; write %%20 for a space", raw)
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		var bad *url.Error
		if errors.As(err, &bad) {
			err = bad.Err
		}
		return nil, getFaultf(getBadURL, "%q is no URL: %w", raw, err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, getFaultf(getBadScheme, "%q: %s is no scheme that freshet get knows; give http or https", raw, u.Scheme)
	}
	if u.Host, err = client.ASCIIHost(u.Host); err != nil {
		return nil, getFaultf(getBadURL, "%q is no URL: %w", raw, err)
	}
	if u.Host == "" || u.Hostname() == "" || !wire.ValidHost(u.Host) {
		return nil, getFaultf(getBadURL, "%q is no URL: it has no host, or none that there can be", raw)
	}
	u.Fragment, u.RawFragment = "", ""
	if !asIs {
		u = u.ResolveReference(u) // without /../ and /./
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// getField is a field that --header sets or, without a value, takes away.
type getField struct {
	name, value string
	remove      bool
}

// readHeaders reads what --header says.
func (g *getting) readHeaders() ([]getField, error) {
	var all []getField
	for _, text := range g.conf.Headers {
		name, isFile := strings.CutPrefix(text, "@")
		if !isFile {
			f, err := readHeader(text)
			if err != nil {
				return nil, err
			}
			all = append(all, f...)
			continue
		}
		r, err := g.input(name)
		if err != nil {
			return nil, getFaultf(getReadError, "--header @%s: %w", name, cause(err))
		}
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			f, err := readHeader(strings.TrimSuffix(lines.Text(), "\r"))
			if err != nil {
				r.Close()
				return nil, err
			}
			all = append(all, f...)
		}
		r.Close()
		if err := lines.Err(); err != nil {
			return nil, getFaultf(getReadError, "--header @%s: %w", name, cause(err))
		}
	}
	return all, nil
}

// readHeader reads "Name: value", "Name:" or "Name;"; none of an empty line.
func readHeader(text string) ([]getField, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	name, value, ok := strings.Cut(text, ":")
	value = strings.Trim(value, " \t")
	f := getField{http.CanonicalHeaderKey(name), value, value == ""}
	if empty, is := strings.CutSuffix(text, ";"); !ok && is {
		f, ok = getField{name: http.CanonicalHeaderKey(empty)}, true
	}
	if !ok || !field.IsToken(f.name) || !wire.ValidFieldValue(value) {
		return nil, getFaultf(exitUsage, "bad value %q for --header: give a name, a colon and a value, such as 'Accept-Language: de'", text)
	}
	return []getField{f}, nil
}

// input opens a file to be read; "-" is standard input, once.
func (g *getting) input(name string) (io.ReadCloser, error) {
	if name != "-" {
		return os.Open(name)
	}
	if g.env.Stdin == nil || g.stdin.Swap(true) {
		return nil, errors.New("standard input has been used already, or there is none")
	}
	return io.NopCloser(g.env.Stdin), nil
}

// request makes the request of a hop.
func (f *fetch) request(ctx context.Context, h *getHop) (*http.Request, error) {
	c := f.conf
	req := &http.Request{
		Method: h.method, URL: h.url, Host: h.url.Host, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	set := req.Header.Set
	agent := "freshet"
	if c.Agent != "" {
		agent = c.Agent
	}
	set("User-Agent", agent)
	set("Accept", "*/*")
	if c.Refresh {
		set("Cache-Control", "no-cache")
	}
	if h.referer != "" {
		set("Referer", h.referer)
	}
	if c.Range != "" {
		set("Range", "bytes="+strings.TrimPrefix(c.Range, "bytes="))
	}
	if c.If != "" {
		name, value, err := timeCondition(c.If)
		if err != nil {
			return nil, err
		}
		set(name, value)
	}
	if c.Digest {
		set("Want-Repr-Digest", "sha-256=10, sha-512=9")
	}
	f.body.describe(req, h)
	f.resume.ask(req)
	f.logIn(req, h)
	f.applyHeaders(req, h)
	f.sendCookies(req, h)
	if f.body != nil && h.withBody {
		if err := f.body.open(req); err != nil {
			return nil, err
		}
		if _, said := f.says("Expect"); !said && req.Body != http.NoBody && (req.ContentLength < 0 || req.ContentLength > expectFrom) && !c.HTTP10 {
			set("Expect", "100-continue")
		}
	}
	return req.WithContext(f.toSign(ctx, h)), nil
}

// expectFrom is how long a body has to be for which the server is asked first
// whether it wants it.
const expectFrom = 1 << 20

// says reports whether --header has a field, and with which value.
func (g *getting) says(name string) (value string, ok bool) {
	for _, f := range g.header {
		if f.name == name {
			return f.value, true
		}
	}
	return "", false
}

// applyHeaders applies --header. What proves who asks is for the first origin
// only, unless others are trusted.
func (f *fetch) applyHeaders(req *http.Request, h *getHop) {
	replaced := map[string]bool{}
	for _, one := range f.header {
		switch {
		case one.name == "Host":
			if h.home && !one.remove {
				req.Host = one.value
			}
			continue
		case one.name == "Content-Length":
			continue // what it is, is sent
		case (one.name == "Authorization" || one.name == "Cookie" || one.name == "Proxy-Authorization") && !h.trusted(f.conf):
			continue
		case strings.HasPrefix(one.name, "Content-") && !h.withBody && f.body != nil:
			continue // about a body that is not sent to this one
		}
		if !replaced[one.name] {
			delete(req.Header, one.name)
			replaced[one.name] = true
		}
		if one.remove {
			continue
		}
		req.Header[one.name] = append(req.Header[one.name], one.value)
	}
	if len(req.Header["User-Agent"]) == 0 {
		req.Header["User-Agent"] = []string{} // else HTTP/2 has one of its own
	}
}

// logIn sets Authorization: what the command line says, what the URL has, or
// what a file of logins says of the host.
func (f *fetch) logIn(req *http.Request, h *getHop) {
	basic := func(user, password string) {
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	in := req.URL.User
	if in != nil {
		without := *req.URL
		without.User = nil
		req.URL = &without
	}
	switch {
	case f.conf.Bearer != "" && h.trusted(f.conf):
		req.Header.Set("Authorization", "Bearer "+f.conf.Bearer)
	case f.conf.User != "" && h.trusted(f.conf):
		user, password, _ := strings.Cut(f.conf.User, ":")
		basic(user, password)
	case in != nil:
		user := in.Username()
		password, has := in.Password()
		if !has { // a file may have the rest
			_, password, _ = f.fileLogin(h, user)
		}
		basic(user, password)
	default:
		if user, password, ok := f.fileLogin(h, ""); ok {
			basic(user, password)
		}
	}
}

// fileLogin is what the file of logins says of the host of a hop. A server that
// redirects does not get by that what is for all other hosts, and nothing is
// sent in clear after a redirect from https.
func (f *fetch) fileLogin(h *getHop, user string) (name, password string, ok bool) {
	host := h.url.Hostname()
	switch {
	case h.trusted(f.conf):
		return f.logins.Find(host, user)
	case f.first.Scheme == "https" && h.url.Scheme != "https":
		return "", "", false
	}
	return f.logins.FindNamed(host, user)
}

// timeCondition makes a field of --time-cond.
func timeCondition(text string) (name, value string, err error) {
	name = "If-Modified-Since"
	if rest, not := strings.CutPrefix(text, "-"); not {
		name, text = "If-Unmodified-Since", rest
	}
	if info, err := os.Stat(text); err == nil {
		return name, info.ModTime().UTC().Format(http.TimeFormat), nil
	}
	for _, layout := range []string{time.RFC3339, time.RFC1123Z, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly, "20060102", "2 Jan 2006", "2 Jan 2006 15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return name, at.UTC().Format(http.TimeFormat), nil
		}
	}
	if at, err := http.ParseTime(text); err == nil {
		return name, at.UTC().Format(http.TimeFormat), nil
	}
	return "", "", getFaultf(exitUsage, "bad value %q for --time-cond: give a time such as 2026-01-02T15:04:05Z, or the name of a file", text)
}
