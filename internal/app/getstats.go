package app

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// getStats are what --write-out knows of a fetch: of its last try.
type getStats struct {
	mu    sync.Mutex // guards what the trace sets
	start time.Time
	marks [4]time.Duration // since start: name, connection, TLS, first byte
	conns int
	local net.Addr
	peer  net.Addr

	total     time.Duration
	url       *url.URL
	leadsTo   string
	redirects int
	resp      *http.Response
	retries   int
	got       int64
	sent      atomic.Int64
	file      string
}

// Indexes of getStats.marks.
const (
	markName = iota
	markConnect
	markTLS
	markFirst
)

// begin starts to count for a try.
func (s *getStats) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start, s.marks, s.conns, s.local, s.peer = time.Now(), [4]time.Duration{}, 0, nil, nil
	s.total, s.url, s.leadsTo, s.redirects, s.resp, s.got = 0, nil, "", 0, nil, 0
	s.sent.Store(0)
}

func (s *getStats) end() { s.total = time.Since(s.start) }

// asked notes a request, and counts its body.
func (s *getStats) asked(req *http.Request) {
	s.url = req.URL
	if req.Body != nil && req.Body != http.NoBody {
		s.sent.Store(0)
		req.Body = &sentBody{req.Body, &s.sent}
	}
}

// sentBody counts what is read of it.
type sentBody struct {
	io.ReadCloser
	sent *atomic.Int64
}

// Read implements io.Reader.
func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sent.Add(int64(n))
	return n, err
}

func (s *getStats) answered(resp *http.Response) { s.resp, s.got = resp, 0 }

func (s *getStats) mark(i int) {
	s.mu.Lock()
	s.marks[i] = time.Since(s.start)
	s.mu.Unlock()
}

// trace notes when connections are made.
func (s *getStats) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSDone:     func(httptrace.DNSDoneInfo) { s.mark(markName) },
		ConnectDone: func(string, string, error) { s.mark(markConnect) },
		GotConn: func(i httptrace.GotConnInfo) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if i.Conn != nil {
				s.local, s.peer = i.Conn.LocalAddr(), i.Conn.RemoteAddr()
			}
			if i.Reused {
				return
			}
			s.conns++
		},
		TLSHandshakeDone:     func(tls.ConnectionState, error) { s.mark(markTLS) },
		GotFirstResponseByte: func() { s.mark(markFirst) },
	}
}

// readFormat reads the format of --write-out.
func (g *getting) readFormat() (string, error) {
	name, isFile := strings.CutPrefix(g.conf.WriteOut, "@")
	if !isFile {
		return g.conf.WriteOut, nil
	}
	text, err := g.readInput(name)
	if err != nil {
		return "", getFaultf(getReadError, "--write-out @%s: %w", name, cause(err))
	}
	return string(text), nil
}

// writeOut writes what --write-out asks for.
func (g *getting) writeOut(s *getStats, err error) {
	if g.format == "" {
		return
	}
	out := g.env.Stdout
	var b strings.Builder
	flush := func() {
		io.WriteString(out, b.String())
		b.Reset()
	}
	values := s.values(err)
	for rest := g.format; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "%%"):
			b.WriteByte('%')
			rest = rest[2:]
		case strings.HasPrefix(rest, "%{"):
			name, after, ok := strings.Cut(rest[2:], "}")
			if !ok {
				b.WriteString("%{")
				rest = rest[2:]
				continue
			}
			rest = after
			switch name {
			case "stderr":
				flush()
				out = g.env.Stderr
			case "stdout":
				flush()
				out = g.env.Stdout
			case "onerror":
				if err == nil {
					rest = ""
				}
			case "json":
				b.Write(s.json(values))
			case "header_json":
				b.Write(s.headerJSON())
			default:
				if v, known := values[name]; known {
					fmt.Fprint(&b, v)
				} else {
					g.tell("--write-out: there is no %%{%s}", name)
				}
			}
		case strings.HasPrefix(rest, "%header{"):
			name, after, ok := strings.Cut(rest[8:], "}")
			if ok && s.resp != nil {
				b.WriteString(s.resp.Header.Get(name))
			}
			rest = after
		case rest[0] == '\\' && len(rest) > 1:
			switch rest[1] {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			default:
				b.WriteString(rest[:2])
			}
			rest = rest[2:]
		default:
			b.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	flush()
}

// A getSeconds is a time as curl writes it.
type getSeconds time.Duration

// String implements fmt.Stringer.
func (d getSeconds) String() string {
	return strconv.FormatFloat(time.Duration(d).Seconds(), 'f', 6, 64)
}

// MarshalJSON implements json.Marshaler.
func (d getSeconds) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// values are the variables of --write-out; those that text takes are strings.
func (s *getStats) values(err error) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, message := exitOK, ""
	if err != nil {
		status, message = exitFault, err.Error()
		var fault *getFault
		if errors.As(err, &fault) {
			status = fault.status
		}
	}
	v := map[string]any{
		"exitcode": status, "errormsg": message,
		"time_total": getSeconds(s.total), "time_namelookup": getSeconds(s.marks[markName]), "time_connect": getSeconds(s.marks[markConnect]),
		"time_appconnect": getSeconds(s.marks[markTLS]), "time_starttransfer": getSeconds(s.marks[markFirst]),
		"size_download": s.got, "size_upload": s.sent.Load(), "num_redirects": s.redirects, "num_connects": s.conns, "num_retries": s.retries,
		"redirect_url": "", "url": "", "url_effective": "", "scheme": "", "method": "",
		"http_code": "000", "response_code": "000", "http_version": "0", "content_type": "", "size_header": 0,
		"filename_effective": s.file, "remote_ip": "", "remote_port": 0, "local_ip": "", "local_port": 0, "speed_download": int64(0), "cache": "",
	}
	if s.url != nil {
		shown := *s.url
		shown.User = nil
		v["url_effective"], v["url"], v["scheme"] = shown.String(), shown.String(), s.url.Scheme
	}
	if s.total > 0 {
		v["speed_download"] = int64(float64(s.got) / s.total.Seconds())
	}
	if resp := s.resp; resp != nil {
		v["http_code"], v["response_code"] = resp.StatusCode, resp.StatusCode
		v["content_type"], v["method"] = resp.Header.Get("Content-Type"), resp.Request.Method
		v["http_version"], v["size_header"] = strings.TrimPrefix(strings.TrimSuffix(resp.Proto, ".0"), "HTTP/"), len(appendAnswerHead(nil, resp))
		if resp.Proto == "HTTP/1.0" {
			v["http_version"] = "1"
		}
		v["cache"] = verdictOf(resp)
		if resp.StatusCode/100 == 3 {
			v["redirect_url"] = s.leadsTo
		}
	}
	for which, a := range map[string]net.Addr{"local": s.local, "remote": s.peer} {
		if tcp, ok := a.(*net.TCPAddr); ok {
			v[which+"_ip"], v[which+"_port"] = tcp.IP.String(), tcp.Port
		}
	}
	return v
}

func (s *getStats) json(values map[string]any) []byte {
	text, err := json.Marshal(values)
	if err != nil {
		return []byte("{}")
	}
	return text
}

// headerJSON is the head of the answer, names in lower case.
func (s *getStats) headerJSON() []byte {
	all := map[string][]string{}
	if s.resp != nil {
		for _, name := range slices.Sorted(maps.Keys(s.resp.Header)) {
			all[strings.ToLower(name)] = s.resp.Header[name]
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return []byte("{}")
	}
	return text
}

// stderrWidth returns the columns of the terminal that standard error is.
func (e *Env) stderrWidth() (int, bool) {
	if e.Columns != nil {
		return e.Columns()
	}
	f, isFile := e.Stderr.(*os.File)
	if !isFile || !isTerminal(f) {
		return 0, false
	}
	columns, _ := windowSize(f)
	return columns, true
}
