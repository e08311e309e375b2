package app

import (
	"fmt"
	"io"
	"log/slog"

	"freshet/internal/config"
)

// config checks or explains a configuration file, or prints an example.
func (e *Env) config(args []string) int {
	q, err := config.ParseConfig(args, e.Environ)
	if err != nil {
		return e.misused("config", err)
	}
	if q.Verb == "example" {
		io.WriteString(e.Stdout, config.Example())
		return exitOK
	}
	f, s, err := e.checkFile(q.Run)
	if err != nil {
		return e.faulty(err)
	}
	defer s.close()
	if q.Verb == "check" {
		routes := 0
		for i := range f.Sites {
			routes += len(f.Sites[i].Routes)
		}
		fmt.Fprintf(e.Stdout, "%s: no fault; sites: %d, routes: %d\n", q.Run.File, len(f.Sites), routes)
		return exitOK
	}
	if q.URL == nil {
		io.WriteString(e.Stdout, explainFile(q.Run.File, f))
		return exitOK
	}
	text, ok := explainURL(q.Run.File, f, s.sites(), q.URL)
	io.WriteString(e.Stdout, text)
	if !ok {
		return exitFault
	}
	return exitOK
}

// checkFile reads a file and opens what it names, apart from addresses, logs
// and the folder of the cache, which a running server has.
func (e *Env) checkFile(r *config.Run) (*config.File, *live, error) {
	f, seen, data, err := openFile(r)
	if err != nil {
		return nil, nil, err
	}
	pages, err := newPages(f.Server.ErrorTemplate)
	if err != nil {
		return nil, nil, err
	}
	ring, err := openRing(f.Server.Encrypt, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	inMemory := *f
	inMemory.Store = config.Store{Memory: 1 << 20}
	c, err := openLive(r, &inMemory, seen, data)(&within{pages: pages, ring: ring, log: slog.New(slog.DiscardHandler), door: &door{}, signatures: newSignatures(nil), environ: e.Environ, dry: true})
	if err != nil {
		return nil, nil, err
	}
	return f, c.live, nil
}
