package app

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"freshet/internal/config"
	"freshet/internal/control"
)

// defaultMonitor is where a monitor is, unless it is told to be elsewhere.
const defaultMonitor = "127.0.0.1:8001"

// reach finds the running server that a command is for: at its door when that
// is on this machine and the same user's, else over the network. Unless it is
// named, it is the one that listens where the URLs are, that of the usual
// monitor, or the only one.
func reach(e *Env, c *config.Reach, urls ...string) (*control.Client, error) {
	if path, ok := strings.CutPrefix(c.Monitor, "unix:"); ok || strings.Contains(c.Monitor, "/") {
		return control.At(path), nil
	}
	dir, err := doorFolder(c.Data, e.Environ)
	if c.Monitor != "" {
		return reachNamed(dir, c)
	}
	if err != nil {
		return nil, err
	}
	names := doorsOf(urls)
	if name := doorAtPort(dir, urls); name != "" {
		names = append(names, name)
	}
	for _, name := range append(names, control.Name(defaultMonitor)) {
		if client, err := control.Find(dir, name); err == nil {
			return client, nil
		}
	}
	client, err := control.Find(dir, "")
	if err != nil {
		do := "name it with --monitor ADDR, and its folder with --data DIR"
		if running, err := control.Running(dir); err == nil && len(running) == 0 {
			do = "start one, or " + do
		}
		return nil, fmt.Errorf("%w; %s", err, do)
	}
	return client, nil
}

// doorsOf returns the names that doors of servers have that listen where URLs
// are.
func doorsOf(urls []string) (names []string) {
	for _, text := range urls {
		if host, port := hostPort(text); port != "" {
			names = append(names, control.Name(net.JoinHostPort(host, port)), control.Name(net.JoinHostPort("", port)))
		}
	}
	return names
}

// doorAtPort returns the name of the only server that listens at the port of a
// URL whose host is a name that is not its address; "" without.
func doorAtPort(dir string, urls []string) (found string) {
	running, _ := control.Running(dir) // an error comes again when one is looked for
	for _, text := range urls {
		_, port := hostPort(text)
		for _, name := range running {
			if port == "" || !strings.HasSuffix(name, "-"+port) {
				continue
			}
			if found != "" && found != name {
				return ""
			}
			found = name
		}
	}
	return found
}

// hostPort returns host and port of a URL, "" for what has none.
func hostPort(text string) (host, port string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", ""
	}
	if port = u.Port(); port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Hostname(), port
}

// reachNamed finds the server with an address. A dir of "" has no doors.
func reachNamed(dir string, c *config.Reach) (*control.Client, error) {
	host, port, err := net.SplitHostPort(c.Monitor)
	if err != nil {
		return nil, err
	}
	names := []string{control.Name(c.Monitor)}
	if host == "" {
		names = append(names, control.Name(net.JoinHostPort("127.0.0.1", port)))
	}
	for _, name := range names {
		if client, err := control.Find(dir, name); dir != "" && err == nil {
			return client, nil
		}
	}
	token, err := tokenOf(c)
	if err != nil {
		return nil, err
	}
	return control.Over(c.Monitor, token), nil
}

// tokenOf returns the token of a monitor, "" without one.
func tokenOf(c *config.Reach) (string, error) {
	switch {
	case c.Token != "":
		return c.Token, nil
	case c.MonitorToken.File == "":
		return c.MonitorToken.Text, nil
	}
	text, err := os.ReadFile(c.MonitorToken.File)
	if err != nil {
		return "", fileFault("--monitor-token", c.MonitorToken.File, err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return strings.TrimSpace(string(line)), nil
}
