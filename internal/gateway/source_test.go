package gateway

import (
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// pieces is a source that gives a piece with each Read, and then ends with err
// (nil: io.EOF). A piece "…" is a pause: it lasts until the deadline, when
// there is one, and is over at once without.
type pieces struct {
	all []string
	err error

	mu       sync.Mutex // guards what follows
	deadline time.Time
	set      int // how often a deadline was set
}

const pause = "…"

func (p *pieces) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	p.set++
	return nil
}

func (p *pieces) Read(b []byte) (int, error) {
	p.mu.Lock()
	deadline := p.deadline
	p.mu.Unlock()
	if !deadline.IsZero() && !time.Now().Before(deadline) {
		return 0, os.ErrDeadlineExceeded
	}
	for len(p.all) > 0 && p.all[0] == pause {
		p.all = p.all[1:]
		if !deadline.IsZero() {
			time.Sleep(time.Until(deadline))
			return 0, os.ErrDeadlineExceeded
		}
	}
	if len(p.all) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		return 0, io.EOF
	}
	n := copy(b, p.all[0])
	if p.all[0] = p.all[0][n:]; p.all[0] == "" {
		p.all = p.all[1:]
	}
	return n, nil
}

// newPipe returns the ends of a pipe that keeps to deadlines, and to the clock
// of a bubble.
func newPipe() (net.Conn, io.WriteCloser) {
	r, w := net.Pipe()
	return r, w
}

// outputOf is an output that comes in these pieces.
func outputOf(all ...string) *Output { return NewOutput(&pieces{all: all}) }

// byOctets is a text in pieces of one octet.
func byOctets(s string) []string { return strings.Split(s, "") }
