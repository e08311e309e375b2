package wiretest

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// player is the state of a running script.
type player struct {
	server   Server
	folder   *folder
	vars     map[string]string
	clients  map[string]*client
	name     string // of the connection in use
	last     *response
	kept     *response
	answers  int // final responses read so far
	way      Way
	patience time.Duration

	// Only in scripts with an origin.
	origin    *origin
	clock     *clock
	exchange  *exchange            // the request that the origin answers
	exchanges map[string]*exchange // by the names that the script gave
}

// value is the value of a variable.
func (p *player) value(name string) (string, bool) {
	if moment, ok := p.clock.moment(name); ok {
		return moment, true
	}
	value, ok := p.vars[name]
	return value, ok
}

func (p *player) play(c command) error {
	list, err := words(c.text, p.value)
	if err != nil {
		return err
	}
	verb, args := list[0].text, list[1:]
	switch verb {
	case "connect", "use":
		return p.choose(verb, args)
	case "answer", "refuse":
		return p.oneRequest(verb == "refuse", args)
	case "set":
		if len(args) != 2 {
			return errors.New("set takes a name and a word")
		}
		p.vars[args[0].text] = args[1].text
		return nil
	case "await":
		return p.await(args, c.block)
	case "poll":
		return p.poll(args, c.block)
	case "origin":
		return p.originCommand(args, c.block)
	case "advance":
		return p.advance(args)
	case "save":
		return p.save(args)
	case "settle":
		settle()
		return nil
	case "keep":
		p.kept = p.last
		return nil
	case "expect":
		if len(args) > 0 && args[0].text != "closed" {
			return p.expect(args[0].text, args[1:])
		}
	case "write", "fill", "touch", "rm", "mkdir", "rename", "link", "fifo", "keeptime":
		return p.folder.edit(verb, args)
	}
	at, err := p.client()
	if err != nil {
		return err
	}
	switch verb {
	case "tx":
		at.send(concat(args), 0)
		return nil
	case "drip":
		at.send(concat(args), 1)
		return nil
	case "req":
		head, err := p.head(args, c.block)
		at.send(head, 0)
		return err
	case "rx":
		return p.receive(at, args)
	case "shut":
		return at.shut()
	case "close":
		return at.conn.Close()
	case "expect":
		return at.closed()
	}
	return fmt.Errorf("unknown command %q", verb)
}

func (p *player) choose(verb string, args []word) error {
	if len(args) == 1 {
		p.name = args[0].text
	} else if verb == "connect" {
		p.name = strconv.Itoa(len(p.clients) + 1)
	}
	if _, exists := p.clients[p.name]; exists == (verb == "connect") {
		return fmt.Errorf("connection %s: there already, or not yet", p.name)
	}
	_, err := p.client()
	return err
}

// oneRequest sends bytes on a connection of their own and reads what comes
// back: for scripts that are lists of requests.
func (p *player) oneRequest(refused bool, args []word) error {
	if refused && len(args) < 3 || len(args) < 2 {
		return errors.New("answer takes a status and words to send, refuse takes a rule between them")
	}
	if err := p.choose("connect", nil); err != nil {
		return err
	}
	at := p.clients[p.name]
	status, rule, send := args[0], args[1:2], args[1:]
	if refused {
		send = args[2:]
	}
	at.send(concat(send), 0)
	if err := p.receive(at, []word{status}); err != nil || !refused {
		return errors.Join(err, at.conn.Close())
	}
	if err := p.expect("rule", rule); err != nil {
		return err
	}
	if err := p.expect("field", []word{{text: "Connection"}, {text: "close"}}); err != nil {
		return err
	}
	return at.closed()
}

// client returns the connection in use, and opens it if need be.
func (p *player) client() (*client, error) {
	if c, ok := p.clients[p.name]; ok {
		return c, nil
	}
	c, err := dial(p.server.Dial, p.patience)
	if err == nil {
		p.clients[p.name] = c
	}
	return c, err
}

// head makes a request head of a req command.
func (p *player) head(args []word, block []string) (string, error) {
	if len(args) != 2 && len(args) != 3 {
		return "", errors.New("req takes a method, a target and perhaps a version")
	}
	version, host := "HTTP/1.1", ""
	if len(args) == 3 {
		version = args[2].text
	}
	if version == "HTTP/1.1" {
		host = "Host: test\r\n"
	}
	fields := ""
	for _, text := range block {
		text, err := expand(text, p.value)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(text, "Host:") {
			host = ""
		}
		fields += text + "\r\n"
	}
	return args[0].text + " " + args[1].text + " " + version + "\r\n" + host + fields + "\r\n", nil
}

// awaiting marks the requests of await: a query, which means nothing to a file.
const awaiting = "?awaiting"

// await asks until an answer has a field.
func (p *player) await(args []word, block []string) error {
	if len(args) != 2 {
		return errors.New("await takes a field and a target")
	}
	head, err := p.head([]word{{text: "GET"}, {text: args[1].text + awaiting}}, append(block, "Connection: close"))
	if err != nil {
		return err
	}
	for late := time.Now().Add(p.patience); ; time.Sleep(time.Millisecond) {
		c, err := dial(p.server.Dial, p.patience)
		if err != nil {
			return err
		}
		c.send(head, 0)
		r, err := c.response(false)
		_ = c.conn.Close()
		if err != nil {
			return err
		}
		if _, ok := get(r.fields, args[0].text); ok {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("no answer has %s", args[0].text)
		}
	}
}

func (p *player) receive(at *client, args []word) (err error) {
	if len(args) == 2 && args[0].text == "bytes" {
		return at.bytes(args[1].text)
	}
	if len(args) == 1 && args[0].text == "all" {
		if p.last, err = at.all(); err != nil {
			return err
		}
		return p.answered()
	}
	if len(args) == 1 && args[0].text == "begun" {
		return at.begun()
	}
	odd := len(args) > 0 && args[0].text == "odd"
	if odd {
		args = args[1:]
	}
	if len(args) > 0 && args[0].text == "cut" {
		return p.receiveCut(at, args[1:])
	}
	head := len(args) > 0 && args[0].text == "head"
	if head {
		args = args[1:]
	}
	p.last, err = at.response(head)
	if err != nil {
		return err
	}
	if p.last.status >= 200 {
		if err := p.answered(); err != nil {
			return err
		}
	}
	if len(args) > 0 && args[0].text != strconv.Itoa(p.last.status) {
		return fmt.Errorf("expected status %s, got %d", args[0].text, p.last.status)
	}
	if faults := lint(p.last); len(faults) > 0 && !odd {
		return errors.New("no answer may be so: " + strings.Join(faults, "; "))
	}
	return nil
}

// receiveCut reads a response that must end before it is complete.
func (p *player) receiveCut(at *client, args []word) (err error) {
	p.last, err = at.response(false)
	if err == nil {
		return errors.New("expected an answer that is cut off, got a complete one")
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	// How much of the body came depends on the buffers in between.
	keep := 0
	if end := strings.Index(p.last.raw, "\r\n\r\n"); end >= 0 {
		keep = end + 4
	}
	at.received.Truncate(at.received.Len() - len(p.last.raw) + keep)
	if len(args) > 0 {
		if err := match("status", strconv.Itoa(p.last.status), args); err != nil {
			return err
		}
	}
	return p.answered()
}

// answered counts a final response and waits for its record, so that records
// of several connections come in the order of the script.
func (p *player) answered() error {
	p.answers++
	if p.server.Records == nil {
		return nil
	}
	_, err := p.server.Records.wait(p.answers - 1)
	return err
}

func (p *player) save(args []word) error {
	if p.last == nil {
		return errors.New("there is no response yet")
	}
	switch {
	case len(args) == 2 && args[1].text == "body":
		p.vars[args[0].text] = p.last.body
		return nil
	case len(args) == 3 && args[1].text == "field":
		value, ok := get(p.last.fields, args[2].text)
		if !ok {
			return fmt.Errorf("the response has no %s", args[2].text)
		}
		p.vars[args[0].text] = value
		return nil
	}
	return errors.New(`save takes NAME field FIELD, or NAME body`)
}

// context is what a failure shows beside itself.
func (p *player) context() string {
	waiting := ""
	if p.origin != nil {
		waiting = p.origin.waiting()
	}
	if p.last == nil || p.last.raw == "" {
		return waiting
	}
	return waiting + "\n\tthe last response:\n\t\t" + strings.ReplaceAll(strings.TrimRight(clip(p.last.raw), "\r\n"), "\n", "\n\t\t")
}

// end closes what the script left open and stops the server, so that all its
// records are there.
func (p *player) end() {
	for _, c := range p.clients {
		_ = c.conn.Close()
	}
	if p.origin != nil {
		p.origin.dismiss()
	}
	p.server.Stop()
	if p.origin != nil {
		p.origin.end()
	}
}
