package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// playedOrigin answers as a scenario says.
type playedOrigin struct {
	w    *world
	addr string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]struct{}
	answers  map[string][]*played
	running  sync.WaitGroup
	requests chan struct{} // one for each that came, as far as there is room
}

// played is one answer.
type played struct {
	status int
	fields []string
	body   string
	raw    string // instead of all that
	hold   bool   // the connection stays open behind raw
	mute   string // "silent" or "close", instead of all that
}

func newPlayedOrigin(w *world, texts map[string][]string) (*playedOrigin, error) {
	o := &playedOrigin{w: w, addr: wiretest.Reserve(w.t), answers: map[string][]*played{}, conns: map[net.Conn]struct{}{}, requests: make(chan struct{}, 1000)}
	for path, all := range texts {
		for _, text := range all {
			p, err := parsePlayed(text)
			if err != nil {
				return nil, fmt.Errorf("origin %s: %w", path, err)
			}
			o.answers[path] = append(o.answers[path], p)
		}
	}
	return o, o.start()
}

func parsePlayed(text string) (*played, error) {
	first, rest, _ := strings.Cut(text, "\n")
	p := &played{}
	for _, way := range []string{"raw ", "hold "} {
		if raw, ok := strings.CutPrefix(first, way); ok {
			var err error
			p.raw, err = strconv.Unquote(`"` + raw + `"`)
			p.hold = way == "hold "
			return p, err
		}
	}
	if first == "silent" || first == "close" {
		p.mute = first
		return p, nil
	}
	if _, err := fmt.Sscan(first, &p.status); err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(rest, "\n\n")
	if strings.HasPrefix(rest, "\n") {
		head, body = "", rest[1:]
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(head, "\n"), "\n") {
		if line != "" {
			p.fields = append(p.fields, line)
		}
	}
	p.body = strings.TrimSuffix(body, "\n")
	return p, nil
}

func (o *playedOrigin) url() string { return "http://" + o.addr }

// asked waits for a request that nobody has waited for.
func (o *playedOrigin) asked(t *testing.T) {
	t.Helper()
	select {
	case <-o.requests:
	case <-time.After(patience):
		t.Error("the origin is not asked")
	}
}

// start listens, where it did before.
func (o *playedOrigin) start() error {
	l, err := wiretest.ListenAgain(o.addr)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.listener = l
	o.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.conns[c] = struct{}{}
			o.mu.Unlock()
			o.running.Go(func() { o.serve(c) })
		}
	})
	return nil
}

// stop ends all connections, and listens no more.
func (o *playedOrigin) stop() {
	o.mu.Lock()
	o.listener.Close()
	for c := range o.conns {
		c.Close()
	}
	o.mu.Unlock()
	o.running.Wait()
}

func (o *playedOrigin) serve(c net.Conn) {
	defer func() {
		c.Close()
		o.mu.Lock()
		delete(o.conns, c)
		o.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		select {
		case o.requests <- struct{}{}:
		default:
		}
		p := o.next(r.URL.RequestURI())
		switch {
		case p.mute == "close":
			return
		case p.mute == "silent":
			in.Peek(1) // until the other side closes
			return
		case p.raw != "":
			io.WriteString(c, o.w.expand(p.raw))
			if p.hold {
				in.Peek(1)
			}
			return
		}
		if _, err := io.WriteString(c, p.bytes(r, o.moment())); err != nil {
			return
		}
	}
}

// moment is the Date of answers: the time of the scenario.
func (o *playedOrigin) moment() time.Time { return time.Unix(0, o.w.now.Load()).UTC() }

// next returns the answer for a target, with its query or without.
func (o *playedOrigin) next(target string) played {
	o.mu.Lock()
	defer o.mu.Unlock()
	path, _, _ := strings.Cut(target, "?")
	for _, key := range []string{target, path, "*"} {
		if all := o.answers[key]; len(all) > 0 {
			p := *all[0]
			p.fields = slices.Clone(p.fields)
			if len(all) > 1 {
				o.answers[key] = all[1:]
			}
			return p
		}
	}
	return played{status: 404, body: "nothing is there"}
}

// bytes is the answer as it is sent. A request for what it has already is
// answered with 304.
func (p *played) bytes(r *http.Request, date time.Time) string {
	status := p.status
	tag := fieldOf(p.fields, "ETag")
	if asked := r.Header.Get("If-None-Match"); status == 200 && asked != "" && asked == tag {
		status = 304
	}
	if at := r.Header.Get("If-Modified-Since"); status == 200 && tag == "" && at != "" && at == fieldOf(p.fields, "Last-Modified") {
		status = 304
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for _, f := range p.fields {
		b.WriteString(f + "\r\n")
	}
	if !hasField(p.fields, "Date") {
		b.WriteString("Date: " + date.Format(http.TimeFormat) + "\r\n")
	}
	if status == 304 || status == 204 || status < 200 {
		return b.String() + "\r\n"
	}
	if !hasField(p.fields, "Content-Length") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(p.body))
	}
	b.WriteString("\r\n")
	if r.Method != http.MethodHead {
		b.WriteString(p.body)
	}
	return b.String()
}

func fieldOf(fields []string, name string) string {
	for _, f := range fields {
		if n, value, _ := strings.Cut(f, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// change changes all answers for a target.
func (o *playedOrigin) change(target string, f func(*played)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	path, _, _ := strings.Cut(target, "?")
	for _, key := range []string{target, path, "*"} {
		if all := o.answers[key]; len(all) > 0 {
			for _, p := range all {
				f(p)
			}
			return nil
		}
	}
	return errors.New("the origin has nothing there")
}
