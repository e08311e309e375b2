package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Client speaks to one server.
type Client struct {
	name  string // for people
	base  string // of URLs
	token string // "" at a door
	http  *http.Client
}

// Find returns the client of the server whose door has that name, or that
// other name, or when the name is "" of the only one that runs.
func Find(dir, name string) (*Client, error) {
	names, err := Running(dir)
	if err != nil {
		return nil, err
	}
	switch {
	case name == "" && len(names) == 1:
		name = names[0]
	case name == "" && len(names) > 1:
		return nil, fmt.Errorf("several servers run (%s): say which", strings.Join(names, ", "))
	case name == "":
		return nil, fmt.Errorf("no server has its socket in %s", dir)
	}
	if !answers(socketPath(dir, name)) {
		return nil, fmt.Errorf("no server %s has its socket in %s%s", name, dir, those(names))
	}
	c := At(socketPath(dir, name))
	c.name = name
	return c, nil
}

// At returns the client for the door at a socket.
func At(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &Client{name: socket, base: "http://localhost", http: clientOf(&http.Transport{DialContext: dial, DisableKeepAlives: true})}
}

// Over returns the client for the monitor that listens at host:port, or a port
// of this machine. The token, unless it is "", is sent as Authorization:
// Bearer (RFC 6750 §2.1).
func Over(addr, token string) *Client {
	if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
		addr = net.JoinHostPort("127.0.0.1", port)
	}
	return &Client{name: addr, base: "http://" + addr, token: token, http: clientOf(&http.Transport{DisableKeepAlives: true})}
}

// clientOf follows no redirect: a token is for the server that it was meant for.
func clientOf(t *http.Transport) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// those names the servers that run.
func those(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; there are " + strings.Join(names, ", ")
}

// Name returns the server's name.
func (c *Client) Name() string { return c.name }

// Running returns the names of the servers that answer at their sockets,
// without their other names.
func Running(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), socketSuffix)
		if ok && e.Type()&os.ModeSymlink == 0 && answers(socketPath(dir, name)) {
			names = append(names, name)
		}
	}
	return names, nil
}

// FirstName returns the name under which Running has a server, which may be
// given its other name.
func FirstName(dir, name string) string {
	to, err := os.Readlink(socketPath(dir, name))
	if err != nil {
		return name
	}
	return strings.TrimSuffix(filepath.Base(to), socketSuffix)
}

// answers reports whether a server listens at a socket.
func answers(socket string) bool {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// Purge asks for a purge.
func (c *Client) Purge(ctx context.Context, q Request) (*Answer, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/purge", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	status, text, err := c.do(r)
	if err != nil {
		return nil, err
	}
	switch status {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("the server %s has no cache", c.name)
	default:
		return nil, c.refused(status, text)
	}
	a := &Answer{}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("read the answer of the server %s: %w", c.name, err)
	}
	return a, nil
}

// ErrUnknown is what a server says about something that it does not have.
var ErrUnknown = errors.New("not known")

// Get asks for a path with a query. Its error wraps ErrUnknown when the server
// answers 404.
func (c *Client) Get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	status, text, err := c.do(r)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, &unknown{fmt.Sprintf("the server %s says: %s", c.name, oneLine(text))}
	case status != http.StatusOK:
		return nil, c.refused(status, text)
	}
	return text, nil
}

// unknown is an error that says what is not known.
type unknown struct{ text string }

func (e *unknown) Error() string { return e.text }
func (e *unknown) Unwrap() error { return ErrUnknown }

// maxAnswer bounds what is read of an answer; the rest is not looked at.
const maxAnswer = 16 << 20

func (c *Client) do(r *http.Request) (status int, text []byte, err error) {
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if inner := new(url.Error); errors.As(err, &inner) {
			err = inner.Err
		}
		return 0, nil, fmt.Errorf("speak to the server %s: %w", c.name, err)
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer of the server %s: %w", c.name, err)
	}
	return resp.StatusCode, text, nil
}

// refused says what a server said instead of an answer.
func (c *Client) refused(status int, text []byte) error {
	hint := ""
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		hint = "; give its token with --token, or the file that has it with --monitor-token"
	}
	return fmt.Errorf("the server %s says %d %s: %s%s", c.name, status, http.StatusText(status), oneLine(text), hint)
}

func oneLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return string(line[:min(len(line), 1<<10)])
}
