package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"freshet/bench/internal/build"
	"freshet/bench/internal/process"
)

// prepare makes everything that servers and load generators need. The returned
// function removes it again, and is never nil.
func (b *bench) prepare(ctx context.Context, w io.Writer) (clean func(), err error) {
	clean = func() {}
	if err := b.findTools(ctx, w); err != nil {
		return clean, err
	}
	limit, err := process.RaiseFiles(65536)
	if err != nil {
		return clean, fmt.Errorf("raise the limit on open files: %w", err)
	}
	b.maxFiles = int(limit)
	if room := b.maxFiles - 500; b.idleConns > room {
		fmt.Fprintf(w, "only %d idle connections: the system allows no more than %d open files\n", room, b.maxFiles)
		b.idleConns = room
	}
	if b.repo, err = build.Repo(ctx); err != nil {
		return clean, err
	}
	if b.dir, err = os.MkdirTemp("", "freshet-bench-"); err != nil {
		return clean, err
	}
	// Where there is no file system in memory, an ordinary folder has to do.
	if b.memory, err = os.MkdirTemp("/dev/shm", "freshet-bench-"); err != nil {
		b.memory = b.dir
	}
	clean = func() {
		os.RemoveAll(b.dir)
		os.RemoveAll(b.memory)
	}
	b.root, b.programs = filepath.Join(b.dir, "site"), filepath.Join(b.dir, "programs")
	b.cert, b.key = filepath.Join(b.dir, "cert.pem"), filepath.Join(b.dir, "key.pem")
	goroot, err := build.GoEnv(ctx, "GOROOT")
	if err != nil {
		return clean, err
	}
	return clean, errors.Join(
		b.build(ctx),
		writeSite(b.root, goroot),
		writeCertificate(b.cert, b.key),
		writeScripts(b.dir),
	)
}

// findTools sees that peers and load generators are there: it installs them
// where it may, and says which peers are left out in a quick run.
func (b *bench) findTools(ctx context.Context, w io.Writer) error {
	need := generators
	var there []*server
	for _, s := range b.servers {
		if lack := missing(s.tools); b.quick && len(lack) > 0 {
			fmt.Fprintf(w, "skipped: %s, because %s is not installed\n", s.name, strings.Join(lack, " "))
			continue
		}
		there = append(there, s)
		need = append(need[:len(need):len(need)], s.tools...)
	}
	b.servers = there
	lack := missing(need)
	switch {
	case len(lack) == 0:
		return nil
	case b.quick || !canInstall():
		return fmt.Errorf("install these packages first: %s", strings.Join(lack, " "))
	}
	return install(ctx, w, lack)
}

// build builds the programs of the columns that take part.
func (b *bench) build(ctx context.Context) error {
	type target struct{ module, pkg string }
	bench := filepath.Join(b.repo, "bench")
	targets := map[string]target{}
	for _, s := range b.servers {
		switch s.name {
		case "freshet", "freshet-1s", "proxy", "proxy-disk", "static":
			targets["freshet"] = target{b.repo, "./cmd/freshet"}
		case "fileserver":
			targets["fileserver"] = target{bench, "./peers/fileserver"}
		case "httpd", "net/http":
			targets["hello"] = target{bench, "./peers/hello"}
		}
	}
	if slices.ContainsFunc(b.servers, func(s *server) bool { return s.can&(needHit|needDisk|needMiss) != 0 }) {
		targets["origin"] = target{bench, "./peers/origin"}
	}
	for name, t := range targets {
		path := filepath.Join(b.programs, name)
		if name == "freshet" && b.binary != "" {
			given, err := filepath.Abs(b.binary)
			if err == nil {
				err = errors.Join(os.MkdirAll(b.programs, 0o755), os.Symlink(given, path))
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := build.Package(ctx, t.module, t.pkg, path); err != nil {
			return err
		}
	}
	return nil
}
