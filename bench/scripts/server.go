package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"freshet/bench/internal/process"
)

// server is a column of the results: a program and a way to configure it.
type server struct {
	name    string
	ours    bool // the first of ours is what the others are measured against
	curious bool // slow by design: for scenarios that ask for such
	closes  bool // ends an answer by closing the connection, which wrk counts as an error
	kinds   []kind
	tools   []tool   // what it needs on the machine; none for what we build
	version []string // command that prints the version
	env     []string
	// args writes the configuration into s.dir and returns the command line.
	args func(s *setup) ([]string, error)
}

// setup is what a server is told when it starts.
type setup struct {
	kind     kind
	dir      string // its own folder
	root     string // the folder to serve
	socket   string // of the FastCGI application, "" for none
	addr     string
	programs string // folder with what we built
}

// Bounds that all servers get: connections of clients, workers of PHP, and
// connections to an application, of which each worker of PHP has one at a time.
// No server is asked for more at once than it may pass on.
const (
	maxConns   = 256
	phpWorkers = 16
	appConns   = 64
)

// servers are all columns, in the order in which they run.
var servers = slices.Concat(freshetServers, nginxServers, apacheServers, []server{lighttpdServer, caddyServer, pythonServer})

func serverNames() []string {
	var names []string
	for _, s := range servers {
		names = append(names, s.name)
	}
	return names
}

// choose turns a comma-separated list of names into servers.
func choose(list string) ([]*server, error) {
	var chosen []*server
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(servers, func(s server) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no server is called %q: there are %s", name, strings.Join(serverNames(), ", "))
		}
		chosen = append(chosen, &servers[i])
	}
	return chosen, nil
}

// running is a server that was started.
type running struct {
	*server
	process *process.Process
	url     string // scheme and address
}

// start starts s and returns when it listens.
func (s *server) start(ctx context.Context, b *bench, k kind, socket string) (*running, error) {
	dir, err := b.user.folder(b.dir, "server-")
	if err != nil {
		return nil, err
	}
	set := &setup{kind: k, dir: dir, root: b.root, socket: socket, programs: b.programs}
	if set.addr, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	args, err := s.args(set)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", s.name, err)
	}
	env := append([]string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}, s.env...)
	p, err := process.Serve(ctx, set.addr, process.Options{Args: b.user.command(args), Env: env, CPU: serverCPU, Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return &running{server: s, process: p, url: "http://" + set.addr}, nil
}

// stop ends the server.
func (r *running) stop() { r.process.Stop(5 * time.Second) }

// own returns the processes of the server itself once no script runs: those
// that execute its program. It waits until these have been all there is twice.
func (r *running) own(ctx context.Context) ([]int, error) {
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", r.process.PID()))
	if err != nil {
		return nil, fmt.Errorf("find the program of %s: %w", r.name, err)
	}
	var last []int
	for range 500 {
		tree := process.Tree(r.process.PID())
		own := slices.DeleteFunc(slices.Clone(tree), func(pid int) bool {
			exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
			return err != nil || exe != program
		})
		if len(own) == len(tree) && slices.Equal(own, last) {
			return own, nil
		}
		last = own
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("scripts of %s do not end: %v", r.name, process.Tree(r.process.PID()))
}

// writeConfig fills in a template with the setup and writes it into the
// server's folder.
func (s *setup) writeConfig(name string, text *template.Template) (string, error) {
	path := filepath.Join(s.dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return "", err
	}
	kept := appConns
	if s.kind == php {
		kept = phpWorkers
	}
	return path, text.Execute(f, map[string]any{
		"Dir": s.dir, "Root": s.root, "Socket": s.socket, "Addr": s.addr, "Host": host, "Port": port, "Kind": s.kind, "CGI": s.kind == cgi,
		"MaxConns": maxConns, "Kept": kept,
	})
}

// parse parses the template of a configuration.
func parse(name, text string) *template.Template {
	return template.Must(template.New(name).Parse(text))
}
