package wiretest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// clock is the time of the front in a script: it stands still but for
// "advance".
type clock struct{ ns atomic.Int64 }

// beginning is when scripts with an origin begin.
var beginning = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newClock() *clock {
	c := &clock{}
	c.ns.Store(beginning.UnixNano())
	return c
}

// now is the time in nanoseconds since 1970.
func (c *clock) now() int64 { return c.ns.Load() }

// advance is the command.
func (p *player) advance(args []word) error {
	if p.clock == nil || len(args) != 1 {
		return errors.New("advance takes a duration, in a script with an origin")
	}
	d, err := time.ParseDuration(args[0].text)
	if err != nil || d < 0 {
		return fmt.Errorf("bad duration %s", args[0].text)
	}
	p.clock.ns.Add(int64(d))
	return nil
}

// moment resolves "now", "now+10s" and "now-1h30m" to an HTTP date.
func (c *clock) moment(name string) (string, bool) {
	offset, ok := strings.CutPrefix(name, "now")
	if !ok || c == nil {
		return "", false
	}
	d := time.Duration(0)
	if offset != "" {
		var err error
		if d, err = time.ParseDuration(offset); err != nil || offset[0] != '+' && offset[0] != '-' {
			return "", false
		}
	}
	return time.Unix(0, c.now()).Add(d).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), true
}

// originCommand is a line that begins with "origin".
func (p *player) originCommand(args []word, block []string) error {
	if p.origin == nil {
		return errors.New("this script has no origin")
	}
	if len(args) == 0 {
		return errors.New("origin does what?")
	}
	verb, args := args[0].text, args[1:]
	switch verb {
	case "rx":
		return p.originReceive(args)
	case "use":
		if len(args) != 1 || p.exchanges[args[0].text] == nil {
			return errors.New("origin use takes the name that an origin rx gave")
		}
		p.exchange = p.exchanges[args[0].text]
		return nil
	case "down":
		p.origin.down()
		return nil
	}
	if p.exchange == nil {
		return errors.New("the origin was asked nothing yet")
	}
	switch verb {
	case "expect":
		return p.originExpect(args)
	case "res":
		return p.originAnswer(args, block)
	case "tx":
		return p.originSend([]byte(concat(args)))
	case "close":
		p.exchange.conn.finish()
		return nil
	}
	return fmt.Errorf("unknown command %q", "origin "+verb)
}

// originReceive waits for a request: METHOD TARGET [as NAME].
func (p *player) originReceive(args []word) (err error) {
	if len(args) != 2 && (len(args) != 4 || args[2].text != "as") {
		return errors.New("origin rx takes a method, a target and perhaps: as NAME")
	}
	p.exchange, err = p.origin.take(p.patience, func(e *exchange) bool {
		return e.method == args[0].text && e.target == args[1].text
	})
	if err == nil && len(args) == 4 {
		p.exchanges[args[3].text] = p.exchange
	}
	return err
}

func (p *player) originSend(text []byte) error {
	if p.exchange.conn.closed {
		return errors.New("the origin has closed this connection")
	}
	p.origin.mu.Lock()
	p.exchange.conn.busy = false
	p.origin.mu.Unlock()
	p.exchange.conn.out <- text
	return nil
}

// originAnswer sends an answer: STATUS [BODY...], its fields in the lines below.
func (p *player) originAnswer(args []word, block []string) error {
	if len(args) == 0 {
		return errors.New("origin res takes a status and perhaps a body")
	}
	status, err := strconv.Atoi(args[0].text)
	if err != nil {
		return err
	}
	var fields []line
	for _, text := range block {
		text, err := expand(text, p.value)
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return fmt.Errorf("no field: %s", text)
		}
		fields = append(fields, line{name, strings.TrimSpace(value)})
	}
	now, _ := p.clock.moment("now")
	return p.originSend(p.exchange.answer(status, concat(args[1:]), now, fields))
}

// originExpect checks the request that the origin got.
func (p *player) originExpect(args []word) error {
	e := p.exchange
	switch {
	case len(args) >= 3 && args[0].text == "field":
		value, ok := get(e.fields, args[1].text)
		if !ok {
			return fmt.Errorf("the request has no %s", args[1].text)
		}
		return match(args[1].text, value, args[2:])
	case len(args) == 2 && args[0].text == "nofield":
		if value, ok := get(e.fields, args[1].text); ok {
			return fmt.Errorf("the request has %s: %s", args[1].text, value)
		}
		return nil
	case len(args) >= 2 && args[0].text == "body":
		return match("body", e.body, args[1:])
	}
	return errors.New("origin expect takes: field NAME VALUE, nofield NAME, or body TEXT")
}

// pollAgent marks the requests of poll, so that no record of them is kept.
const pollAgent = "wiretest-poll"

// poll asks until an answer is as wanted: TARGET body TEXT, or TARGET field NAME
// VALUE.
func (p *player) poll(args []word, block []string) error {
	if len(args) < 3 {
		return errors.New("poll takes a target and: body TEXT, or field NAME VALUE")
	}
	head, err := p.head([]word{{text: "GET"}, args[0]}, append(block, "User-Agent: "+pollAgent, "Connection: close"))
	if err != nil {
		return err
	}
	for late := time.Now().Add(p.patience); ; time.Sleep(time.Millisecond) {
		r, err := p.askAside(head)
		if err != nil {
			return err
		}
		aside := *p
		aside.last = r
		err = aside.expect(args[1].text, args[2:])
		if err == nil {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("no answer is so: %w", err)
		}
	}
}

// askAside sends a head on a connection of its own, which leaves no transcript.
func (p *player) askAside(head string) (*response, error) {
	c, err := dial(p.server.Dial, p.patience)
	if err != nil {
		return nil, err
	}
	c.send(head, 0)
	r, err := c.response(false)
	return r, errors.Join(err, c.conn.Close())
}
