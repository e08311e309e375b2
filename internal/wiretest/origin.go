package wiretest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// origin is the server behind the one under test, played by the script. Each
// connection has a goroutine that reads requests into one queue, in the order
// of their arrival, and one that writes, so that a script never waits for an
// answer to be taken.
type origin struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex // guards what follows
	queue  []*exchange
	faults []error // what no front may send
	conns  []*originConn
	more   chan struct{} // closed and replaced when the queue or the faults grow
	ending bool          // nobody will answer any more
}

type originConn struct {
	net.Conn
	out    chan []byte // what is to be written; closing it closes the connection
	closed bool        // out is; of the script's goroutine
	busy   bool        // a request came and nothing was sent since; guarded by origin.mu
}

// exchange is one request that the origin got.
type exchange struct {
	conn           *originConn
	method, target string
	fields         []line
	body           string
	raw            string
}

func (e *exchange) String() string { return e.method + " " + e.target }

func newOrigin() (*origin, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{listener: listener, more: make(chan struct{})}
	o.running.Go(o.accept)
	return o, nil
}

func (o *origin) accept() {
	for {
		conn, err := o.listener.Accept()
		if err != nil {
			return
		}
		c := &originConn{Conn: conn, out: make(chan []byte, 64)}
		o.mu.Lock()
		o.conns = append(o.conns, c)
		o.mu.Unlock()
		o.running.Go(func() { o.read(c) })
		o.running.Go(c.write)
	}
}

func (c *originConn) write() {
	defer c.Close()
	for text := range c.out {
		_ = c.SetWriteDeadline(time.Now().Add(patience))
		if _, err := c.Write(text); err != nil {
			_ = c.Close()
			for range c.out { // until the script has no more to say
			}
			return
		}
	}
}

func (c *originConn) finish() {
	if !c.closed {
		c.closed = true
		close(c.out)
	}
}

func (o *origin) read(c *originConn) {
	in := bufio.NewReader(c)
	for {
		if _, err := in.Peek(1); err != nil {
			return
		}
		e, err := readRequest(in)
		o.mu.Lock()
		if err != nil && e == nil {
			o.mu.Unlock()
			return // the front went away while it sent
		}
		if err != nil {
			o.faults = append(o.faults, fmt.Errorf("the origin got %q: %w", clip(e.raw), err))
		} else {
			e.conn, c.busy = c, true
			o.queue = append(o.queue, e)
		}
		close(o.more)
		o.more = make(chan struct{})
		if o.ending {
			_ = c.Close()
		}
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take removes the first request of the queue that is wanted, and waits for it.
func (o *origin) take(patience time.Duration, wanted func(*exchange) bool) (*exchange, error) {
	late := time.After(patience)
	for {
		o.mu.Lock()
		more, faults := o.more, errors.Join(o.faults...)
		i := slices.IndexFunc(o.queue, wanted)
		if faults == nil && i >= 0 {
			e := o.queue[i]
			o.queue = slices.Delete(o.queue, i, i+1)
			o.mu.Unlock()
			return e, nil
		}
		waiting := fmt.Sprint(o.queue)
		o.mu.Unlock()
		if faults != nil {
			return nil, faults
		}
		select {
		case <-more:
		case <-late:
			return nil, errors.New("the origin was not asked so; it was asked " + waiting)
		}
	}
}

// left returns what the origin was sent and the script does not mention.
func (o *origin) left() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	faults := slices.Clone(o.faults)
	for _, e := range o.queue {
		faults = append(faults, fmt.Errorf("the origin was asked %s, and no line of the script says so", e))
	}
	return errors.Join(faults...)
}

// waiting shows the requests that no line of the script has taken yet.
func (o *origin) waiting() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := ""
	for _, e := range o.queue {
		out += "\n\tthe origin has this request:\n\t\t" + strings.ReplaceAll(strings.TrimRight(clip(e.raw), "\r\n"), "\n", "\n\t\t")
	}
	return out
}

// down refuses new connections and cuts those that are open.
func (o *origin) down() {
	_ = o.listener.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.conns {
		_ = c.Close()
	}
}

// dismiss cuts the connections on which somebody waits for an answer, now and
// from now on, so that the front can stop. Idle ones stay: closing them is the
// front's business.
func (o *origin) dismiss() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ending = true
	for _, c := range o.conns {
		if c.busy {
			_ = c.Close()
		}
	}
}

// end stops the origin; nothing of it runs any more when it returns.
func (o *origin) end() {
	o.down()
	o.mu.Lock()
	for _, c := range o.conns {
		c.finish()
	}
	o.mu.Unlock()
	o.running.Wait()
}

var requestLine = regexp.MustCompile(`^([!#$%&'*+.^_|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.1\r\n$`)

// readRequest reads one request with its body. Without one, it returns what is
// wrong with what it got, or nil when the connection ended.
func readRequest(r *bufio.Reader) (*exchange, error) {
	text, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	e := &exchange{raw: text}
	parts := requestLine.FindStringSubmatch(text)
	if parts == nil {
		return e, errors.New("not a request line")
	}
	e.method, e.target = parts[1], parts[2]
	p := &response{raw: e.raw}
	p.fields, err = p.readFields(r)
	if err == nil {
		if err = lintRequest(e, p.fields); err == nil {
			err = p.readRequestBody(r)
		}
	}
	e.raw, e.fields, e.body = p.raw, p.fields, p.body
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return nil, err
	}
	return e, err
}

// readRequestBody reads a body by its framing; without one there is none.
func (p *response) readRequestBody(r *bufio.Reader) error {
	_, length := get(p.fields, "Content-Length")
	_, coded := get(p.fields, "Transfer-Encoding")
	if !length && !coded {
		return nil
	}
	p.status = 200 // framed as the body of an answer is
	return p.readBody(r)
}

// lintRequest returns what a front may not send to an origin, whatever a script
// asks.
func lintRequest(e *exchange, fields []line) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if n := count(fields, "Host"); n != 1 {
		fault("Host is sent %d times (RFC 9112 §3.2)", n)
	}
	for _, name := range []string{"Content-Length", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range", "Authorization"} {
		if n := count(fields, name); n > 1 {
			fault("%s is sent %d times", name, n)
		}
	}
	for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Upgrade"} {
		if connection, _ := get(fields, "Connection"); count(fields, name) > 0 && !strings.EqualFold(connection, name) {
			fault("%s is passed on (RFC 9110 §7.6.1)", name)
		}
	}
	if count(fields, "Content-Length") > 0 && count(fields, "Transfer-Encoding") > 0 {
		fault("Content-Length and Transfer-Encoding (RFC 9112 §6.2)")
	}
	if count(fields, "Via") == 0 {
		fault("no Via (RFC 9110 §7.6.3)")
	}
	return errors.Join(faults...)
}

// answer makes the bytes of an answer to e. Date and Content-Length are filled
// in when they are not given and may be there.
func (e *exchange) answer(status int, body, now string, fields []line) []byte {
	out := fmt.Appendf(nil, "HTTP/1.1 %d Scripted\r\n", status)
	final := status >= 200
	if final && count(fields, "Date") == 0 {
		fields = append(fields, line{"Date", now})
	}
	if final && status != 204 && status != 304 && count(fields, "Content-Length")+count(fields, "Transfer-Encoding") == 0 {
		fields = append(fields, line{"Content-Length", strconv.Itoa(len(body))})
	}
	for _, l := range fields {
		out = fmt.Appendf(out, "%s: %s\r\n", l.name, l.value)
	}
	out = append(out, "\r\n"...)
	if e.method == "HEAD" || !final {
		return out
	}
	return append(bytes.Clone(out), body...)
}
