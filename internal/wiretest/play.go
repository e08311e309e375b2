package wiretest

import (
	"errors"
	"fmt"
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
	patience time.Duration
}

func (p *player) play(c command) error {
	list, err := words(c.text, p.vars)
	if err != nil {
		return err
	}
	verb, args := list[0].text, list[1:]
	switch verb {
	case "connect", "use":
		return p.choose(verb, args)
	case "set":
		if len(args) != 2 {
			return errors.New("set takes a name and a word")
		}
		p.vars[args[0].text] = args[1].text
		return nil
	case "save":
		return p.save(args)
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

// client returns the connection in use, and opens it if need be.
func (p *player) client() (*client, error) {
	if c, ok := p.clients[p.name]; ok {
		return c, nil
	}
	c, err := dial(p.server.Network, p.server.Addr, p.patience)
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
		text, err := expand(text, p.vars)
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

func (p *player) receive(at *client, args []word) (err error) {
	if len(args) == 2 && args[0].text == "bytes" {
		return at.bytes(args[1].text)
	}
	if len(args) == 1 && args[0].text == "all" {
		p.last, err = at.all()
		p.answers++
		return err
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
		p.answers++
	}
	if len(args) > 0 && args[0].text != strconv.Itoa(p.last.status) {
		return fmt.Errorf("expected status %s, got %d", args[0].text, p.last.status)
	}
	if faults := lint(p.last); len(faults) > 0 {
		return errors.New("no answer may be so: " + strings.Join(faults, "; "))
	}
	return nil
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
	if p.last == nil || p.last.raw == "" {
		return ""
	}
	return "\n\tthe last response:\n\t\t" + strings.ReplaceAll(strings.TrimRight(clip(p.last.raw), "\r\n"), "\n", "\n\t\t")
}

// end closes what the script left open and stops the server, so that all its
// records are there.
func (p *player) end() {
	for _, c := range p.clients {
		_ = c.conn.Close()
	}
	p.server.Stop()
}
