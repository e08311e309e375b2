package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"freshet/bench/internal/process"
)

// backend is the FastCGI application behind the servers of a kind.
type backend struct {
	process *process.Process
	sockets map[string]string // by the name of the server
}

// startBackend starts what the servers of a kind need beside them, on the core
// of the load generator. The returned backend may be stopped even if it is nil.
func (b *bench) startBackend(ctx context.Context, k kind, servers []*server) (*backend, error) {
	if k == cgi {
		return nil, nil
	}
	dir, err := b.user.folder(b.dir, "backend-")
	if err != nil {
		return nil, err
	}
	back := &backend{sockets: map[string]string{}}
	args := []string{filepath.Join(b.programs, "responder"), "-socket", filepath.Join(dir, "responder.sock")}
	for _, s := range servers {
		back.sockets[s.name] = filepath.Join(dir, "responder.sock")
	}
	if k == php {
		config, err := back.writePools(dir, servers)
		if err != nil {
			return nil, err
		}
		args = []string{b.php, "-F", "-y", config}
	}
	back.process, err = process.Start(process.Options{Args: b.user.command(args), CPU: othersCPU, Dir: dir})
	if err != nil {
		return nil, err
	}
	if err := back.wait(ctx); err != nil {
		back.stop()
		return nil, err
	}
	return back, nil
}

// writePools writes the configuration of PHP: a pool for each server, all
// alike, so that connections that one keeps take no workers from another.
func (back *backend) writePools(dir string, servers []*server) (string, error) {
	var c strings.Builder
	fmt.Fprintf(&c, "[global]\ndaemonize = no\nerror_log = %s/fpm.log\nlog_level = error\n", dir)
	for _, s := range servers {
		socket := filepath.Join(dir, s.name+".sock")
		back.sockets[s.name] = socket
		fmt.Fprintf(&c, "[%s]\nlisten = %s\nlisten.mode = 0666\nlisten.backlog = 511\npm = static\npm.max_children = %d\n", s.name, socket, phpWorkers)
	}
	path := filepath.Join(dir, "fpm.conf")
	return path, os.WriteFile(path, []byte(c.String()), 0o644)
}

// wait returns when the sockets are there.
func (back *backend) wait(ctx context.Context) error {
	limit := time.After(15 * time.Second)
	for {
		lack := ""
		for _, socket := range back.sockets {
			if _, err := os.Stat(socket); err != nil {
				lack = socket
			}
		}
		if lack == "" {
			return nil
		}
		select {
		case <-back.process.Done():
			return fmt.Errorf("the FastCGI application ended: %s", back.process.Output())
		case <-limit:
			return fmt.Errorf("the FastCGI application has no %s: %s", lack, back.process.Output())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (back *backend) stop() {
	if back != nil {
		back.process.Stop(5 * time.Second)
	}
}

// socket returns what a server connects to, "" for none.
func (back *backend) socket(s *server) string {
	if back == nil {
		return ""
	}
	return back.sockets[s.name]
}
