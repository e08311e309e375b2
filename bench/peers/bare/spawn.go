package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"freshet/internal/child"
)

// newSpawner returns what starts programs in our server, with the limits that
// are its defaults when it is no root.
func newSpawner(limits, landlock bool) (*child.Spawner, error) {
	var o child.Options
	if limits {
		o.Limits = child.Limits{Memory: 1 << 30, CPU: time.Minute, Files: 256, FileSize: 1 << 30}
	}
	if landlock {
		o.Landlock = &child.Landlock{}
		for _, dir := range []string{"/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/tmp"} {
			if _, err := os.Stat(dir); err == nil {
				o.Landlock.Read = append(o.Landlock.Read, dir)
			}
		}
	}
	child.WithoutSIGCHLD() // as the server does
	return child.New(o)
}

// spawn is once by the spawner.
func (b *bare) spawn(s *child.Spawner) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := s.Start(&child.Command{Path: b.program, Args: []string{b.program}, Env: b.env, Dir: filepath.Dir(b.program), Files: []*os.File{nil, w, nil}})
	w.Close()
	if err != nil {
		return err
	}
	total := 0
	for {
		n, err := r.Read(b.buf)
		total += n
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	p.Ended() // as the server asks
	if result := p.Wait(); result.Exit != 0 || total == 0 {
		return fmt.Errorf("the program wrote %d bytes: %v", total, result)
	}
	return nil
}
