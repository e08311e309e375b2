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
	"os"
	"slices"
	"strings"
	"time"
)

// A Client speaks to the door of one server.
type Client struct {
	name string
	http *http.Client
}

// Find returns the client of the server of that name or, when the name is "",
// of the only one that runs.
func Find(dir, name string) (*Client, error) {
	names, err := running(dir)
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
	if !slices.Contains(names, name) {
		return nil, fmt.Errorf("no server %s has its socket in %s%s", name, dir, those(names))
	}
	path := socketPath(dir, name)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{name, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}, nil
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

// running returns the names of the servers that answer at their sockets.
func running(dir string) ([]string, error) {
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
		if !ok {
			continue
		}
		if c, err := net.DialTimeout("unix", socketPath(dir, name), time.Second); err == nil {
			c.Close()
			names = append(names, name)
		}
	}
	return names, nil
}

// Purge asks for a purge.
func (c *Client) Purge(ctx context.Context, q Request) (*Answer, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/purge", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("speak to the server %s: %w", c.name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return nil, fmt.Errorf("the server %s says %s: %s", c.name, resp.Status, strings.TrimSpace(string(text)))
	}
	a := &Answer{}
	if err := json.NewDecoder(resp.Body).Decode(a); err != nil {
		return nil, fmt.Errorf("read the answer of the server %s: %w", c.name, err)
	}
	return a, nil
}
