// Command idle holds thousands of idle connections to a freshet while others
// keep it busy, and looks whether all of them live and memory stays flat.
//
//	go run -C bench ./idle -conns 10000 -for 5m
//
// It builds and starts the server itself. The exit status is 1 when an idle
// connection was dropped, a request of the load failed, or memory grew by more
// than 5 % from the second fifth of the time to the last: of five minutes, from
// the second to the last. It is for Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/process"
)

func main() { command.Main("idle", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	s := &soak{w: w, sampleEvery: time.Second, printEvery: 10}
	flags := flag.NewFlagSet("idle", flag.ContinueOnError)
	flags.IntVar(&s.conns, "conns", 10000, "how many idle connections")
	flags.DurationVar(&s.duration, "for", 5*time.Minute, "how long")
	flags.IntVar(&s.busy, "busy", 16, "how many connections make requests all the time")
	flags.IntVar(&s.sample, "sample", 50, "how many idle connections make a request each second")
	binary := flags.String("freshet", "", "run this `program` instead of building ours")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.conns < 1 || s.duration < 5*time.Second || s.busy < 0 || s.sample < 0 {
		return errors.New("at least one connection, and five seconds")
	}
	limit, err := process.RaiseFiles(uint64(s.conns + s.busy + 500))
	if err != nil {
		return fmt.Errorf("raise the limit on open files: %w", err)
	}
	if room := int(limit) - s.busy - 500; s.conns > room {
		fmt.Fprintf(w, "only %d idle connections: the system allows no more than %d open files\n", room, limit)
		s.conns = room
	}
	dir, err := os.MkdirTemp("", "freshet-idle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := s.start(ctx, dir, *binary)
	if err != nil {
		return err
	}
	defer p.Stop(5 * time.Second)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		<-p.Done()
		cancel(fmt.Errorf("the server ended: %s", p.Output()))
	}()
	s.memory = func() (process.Memory, error) { return process.ReadMemory(p.PID()) }
	return s.run(ctx)
}

// start starts the server on a folder with one small file.
func (s *soak) start(ctx context.Context, dir, binary string) (*process.Process, error) {
	binary, err := build.Freshet(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	site := filepath.Join(dir, "site")
	s.path = "/1k.txt"
	err = errors.Join(
		os.Mkdir(site, 0o755),
		os.WriteFile(filepath.Join(site, s.path), []byte(strings.Repeat("idle\n", 200)), 0o644),
	)
	if err != nil {
		return nil, err
	}
	if s.addr, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	room := strconv.Itoa(s.conns + s.busy + 100)
	return process.Serve(ctx, s.addr, process.Options{CPU: -1, Dir: dir, Args: []string{binary, "serve",
		"--listen", s.addr, "--access-log", "off", "--idle-timeout", (s.duration + 10*time.Minute).String(),
		"--max-connections", room, "--max-connections-per-client", room, "--max-requests-per-connection", "off", site}})
}
