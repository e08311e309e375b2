package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"freshet/bench/internal/process"
)

// need is what a scenario asks of a server beyond files over plain HTTP/1.1.
type need uint8

const (
	needTLS     need = 1 << iota // HTTP/1.1 and HTTP/2 over TLS
	needGzip                     // compression when the client accepts it
	needLog                      // an access log in the Combined format
	needHandler                  // a fixed answer from a Go handler, in place of files
	needHit                      // answers of an origin from a cache: stored ones,
	needDisk                     // stored ones whose bodies are in files,
	needMiss                     // new ones, which are stored
)

// kinds are the needs that are in place of files: a server that has them is
// only for scenarios that ask for one of them.
const kinds = needHandler | needHit | needDisk | needMiss

// server is a column of the results: a program and a way to configure it.
type server struct {
	name  string
	ours  bool   // the others are measured against it
	tools []tool // what it needs on the machine; none for what we build from source
	can   need
	// keepsOpen says that the server keeps every file open that was asked for
	// lately, without a bound: it answers with errors at the system's limit.
	keepsOpen bool
	version   []string // command that prints the version
	env       []string
	// args writes the configuration into s.dir and returns the command line.
	args func(s *setup) ([]string, error)
}

// setup is what a server is told when it starts.
type setup struct {
	dir       string // its own folder
	memory    string // its own folder in memory, where the system has such
	root      string // the folder to serve
	origin    string // the address of the origin behind a cache, "" for none
	addr      string // the address that is measured
	plainAddr string // where to listen without TLS when addr is for TLS
	needs     need
	cert, key string
	log       string // file for the access log, "" for none
	conns     int    // connections to expect
	maxFiles  int    // limit on open files
	programs  string // folder with what we built
}

// idleFor is how long every server must keep idle connections.
const idleFor = 10 * time.Minute

// servers are all columns, in the order in which they run.
var servers = slices.Concat(freshetServers, nginxServers, []server{h2oServer, lighttpdServer}, goServers, cacheServers, nginxCaches, []server{varnishServer})

// serverNamed returns the server called name, nil if there is none.
func serverNamed(name string) *server {
	for i := range servers {
		if servers[i].name == name {
			return &servers[i]
		}
	}
	return nil
}

// serverNames returns the names of ours, or of the peers.
func serverNames(ours bool) []string {
	var names []string
	for _, s := range servers {
		if s.ours == ours {
			names = append(names, s.name)
		}
	}
	return names
}

// choose turns a comma-separated list of names into servers.
func choose(list string) ([]*server, error) {
	var chosen []*server
	for name := range strings.SplitSeq(list, ",") {
		if name == "" {
			continue
		}
		s := serverNamed(name)
		if s == nil {
			return nil, fmt.Errorf("no server is called %q: there are %s", name, strings.Join(slices.Concat(serverNames(true), serverNames(false)), ", "))
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// does reports whether s takes part in a scenario with these needs.
func (s *server) does(needs need) bool {
	return s.can&needs == needs && (s.can&kinds != 0) == (needs&kinds != 0)
}

// absent says why s cannot take part in sc on this machine, "" when it can.
func (s *server) absent(b *bench, sc *scenario) string {
	if need := manyFiles + sc.conns + 500; sc.many && s.keepsOpen && b.maxFiles < need {
		return fmt.Sprintf("left out: it keeps every file open, and would need a limit of %d instead of %d", need, b.maxFiles)
	}
	return ""
}

// running is a server that was started for one scenario.
type running struct {
	*server
	process *process.Process
	setup   *setup
	url     string // scheme and address
}

// start starts s and returns when it listens.
func (s *server) start(ctx context.Context, b *bench, sc *scenario) (*running, error) {
	dir, err := os.MkdirTemp(b.dir, "server-")
	if err != nil {
		return nil, err
	}
	set := &setup{
		dir: dir, root: b.root, needs: sc.needs, cert: b.cert, key: b.key, conns: sc.conns,
		maxFiles: b.maxFiles, programs: b.programs, origin: b.origin,
	}
	if set.memory, err = os.MkdirTemp(b.memory, "server-"); err != nil {
		return nil, err
	}
	if sc.needs&needLog != 0 {
		set.log = filepath.Join(dir, "access.log")
	}
	if set.addr, err = process.FreeAddr(); err == nil {
		set.plainAddr, err = process.FreeAddr()
	}
	if err != nil {
		return nil, err
	}
	args, err := s.args(set)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", s.name, err)
	}
	p, err := process.Serve(ctx, set.addr, process.Options{Args: args, Env: s.env, CPU: b.serverCPU, Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	r := &running{server: s, process: p, setup: set, url: "http://" + set.addr}
	if sc.needs&needTLS != 0 {
		r.url = "https://" + set.addr
	}
	return r, nil
}

// stop ends the server.
func (r *running) stop() { r.process.Stop(5 * time.Second) }

// writeConfig writes a configuration file into the server's folder.
func (s *setup) writeConfig(name, text string) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// openFiles is how many files a server may keep open for its cache: all of the
// many, as far as the limit leaves room for connections.
func (s *setup) openFiles() int {
	return max(1000, min(2*manyFiles, s.maxFiles-s.conns-500))
}
