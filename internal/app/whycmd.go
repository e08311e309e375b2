package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/field"
)

// why asks a running server why, and prints what it says.
func (e *Env) why(args []string) int {
	c, err := config.ParseWhy(args, e.Environ)
	if err != nil {
		return e.misused("why", err)
	}
	return e.result(askWhy(e, c))
}

func askWhy(e *Env, c *config.Why) error {
	clients, err := e.answerable(c)
	if err != nil {
		return err
	}
	form, q := ".txt", url.Values{}
	if c.JSON {
		form = ".json"
	}
	path := "/why" + form
	if c.ID != "" {
		path = "/why/" + c.ID + form
	} else {
		q = url.Values{"url": {c.URL}, "method": {c.Method}, "field": c.Fields, "client": {c.Client}}
	}
	if columns := columnsOf(e.Environ); columns > 0 {
		q.Set("width", strconv.Itoa(columns))
	}
	text, knows, err := oneAnswer(clients, path, q)
	if err != nil {
		return err
	}
	if c.Monitor == "" {
		e.tellWhich(c.Data, knows)
	}
	// The server may be anybody's, and have put what a terminal obeys into it.
	if c.JSON {
		text = field.EscapeJSON(text)
	} else {
		text = plainLines(text)
	}
	_, err = e.Stdout.Write(text)
	return err
}

// plainLines is plain for a text of several lines.
func plainLines(text []byte) []byte {
	var b []byte
	for line := range strings.Lines(string(text)) {
		line, end := strings.CutSuffix(line, "\n")
		b = append(b, plain(line)...)
		if end {
			b = append(b, '\n')
		}
	}
	return b
}

// tellWhich says which server has answered when others run, that nobody named
// one: what one would do may not be what another would.
func (e *Env) tellWhich(data, knows string) {
	dir, err := doorFolder(data, e.Environ)
	if err != nil {
		return
	}
	running, _ := control.Running(dir) // an error would have been told by now
	if len(running) < 2 {
		return
	}
	knows = control.FirstName(dir, knows)
	others := slices.DeleteFunc(running, func(name string) bool { return name == knows })
	run := "runs"
	if len(others) > 1 {
		run = "run"
	}
	e.tell("freshet: the server %s says this; %s %s, too: name another with --monitor", knows, strings.Join(others, ", "), run)
}

// oneAnswer returns what the only server says that knows the path, and the name
// of the server.
func oneAnswer(clients []*control.Client, path string, q url.Values) (text []byte, knows string, err error) {
	for _, client := range clients {
		said, fault := client.Get(context.Background(), path, q)
		switch {
		case fault == nil && knows != "":
			return nil, "", fmt.Errorf("the servers %s and %s both know that: name one with --monitor", knows, client.Name())
		case fault == nil:
			text, knows = said, client.Name()
		case err == nil || errors.Is(err, control.ErrUnknown):
			err = fault
		}
	}
	if knows != "" {
		return text, knows, nil
	}
	return nil, "", err
}

// answerable returns the servers that may know: for a request's name, unless
// one is named, each that runs, for only those that answered it know.
func (e *Env) answerable(c *config.Why) ([]*control.Client, error) {
	if c.ID != "" && c.Monitor == "" {
		dir, err := doorFolder(c.Data, e.Environ)
		if err != nil {
			return nil, err
		}
		var all []*control.Client
		names, _ := control.Running(dir) // an error is told below
		for _, name := range names {
			if client, err := control.Find(dir, name); err == nil {
				all = append(all, client)
			}
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	client, err := reach(e, &c.Reach, c.URL)
	return []*control.Client{client}, err
}

// columnsOf returns how wide the terminal is, as far as that helps reading; 0
// when it is not known.
func columnsOf(environ []string) int {
	const least, most = 60, 120
	for _, e := range environ {
		if text, ok := strings.CutPrefix(e, "COLUMNS="); ok {
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				return min(max(n, least), most)
			}
		}
	}
	return 0
}
