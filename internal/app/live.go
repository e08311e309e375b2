package app

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/follow"
)

// live is what a configuration file says, and changes with it. A request is
// served by the configuration that held when it came.
type live struct {
	*within
	run    *config.Run
	store  *cache.Store
	places places

	now     atomic.Pointer[sites]
	auto    *autoTLS
	guarded atomic.Bool // now, or before, some route had a guard

	// open are the backends that are not closed: a request may use one that no
	// configuration has any more.
	open sync.WaitGroup

	// What follows belongs to the goroutine that reloads.
	file *config.File      // that is obeyed
	seen follow.Stamp      // of the file when it was looked at last
	sum  [sha256.Size]byte // of its content then
}

func (l *live) sites() *sites { return l.now.Load() }

// ServeHTTP implements http.Handler.
func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		s := l.sites()
		t, why := s.choose(r)
		if why != 0 {
			s.unserved(w, r, why)
			return
		}
		// A backend that cannot be held went with a configuration that has
		// been replaced since the line above.
		if t.backend.hold() {
			defer t.backend.release()
			httpd.SetPlace(w, t.place)
			t.handler.ServeHTTP(w, r)
			return
		}
	}
}

// ServeHot implements httpd.HotHandler. It holds no backend: a closed one still
// gives whole answers from what is in memory, and declines the rest.
func (l *live) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	return l.sites().ServeHot(q, a)
}

// openLive returns an opener of what a file says.
func openLive(run *config.Run, f *config.File, seen follow.Stamp, data []byte) opener {
	return func(w *within) (content, error) {
		store, err := openStore(&f.Store, w)
		if err != nil {
			return content{}, err
		}
		l := &live{auto: &autoTLS{}, run: run, within: w, store: store, seen: seen, sum: sha256.Sum256(data)}
		w.whole = l
		l.now.Store(&sites{auto: l.auto})
		if err := l.apply(f); err != nil {
			return content{}, errors.Join(err, store.Close())
		}
		return content{name: fileTitle(run.File, f), handler: l, hot: l, close: l.close, purger: &purger{store, l.purgeOf}, data: f.Store.Data, live: l, masks: l.masks, explain: l, command: "run", store: store, folders: &folders{list: l.folders, turn: make(chan struct{}, 1)}}, nil
	}
}

// fileTitle is what people are told that is served.
func fileTitle(name string, f *config.File) string {
	if len(f.Sites) == 1 {
		return name + " (1 site)"
	}
	return fmt.Sprintf("%s (%d sites)", name, len(f.Sites))
}

// apply makes a file hold, all of it or, after an error, nothing. Backends that
// it has as before go on.
func (l *live) apply(f *config.File) error {
	old := l.sites()
	b := &builder{live: l, old: old}
	next, err := b.sites(f)
	if err != nil {
		for _, made := range b.made {
			made.release()
		}
		return err
	}
	if next.guarded {
		l.guarded.Store(true)
	}
	l.now.Store(next)
	l.places.only(next)
	l.file = f
	for _, had := range old.backends() {
		if !slices.Contains(b.kept, had) {
			had.release()
		}
	}
	return nil
}

func (l *live) close() error {
	for _, b := range l.sites().backends() {
		b.release()
	}
	l.await()
	return l.store.Close()
}

// maxEnding bounds how long the last requests of backends are waited for, which
// have been cut by then.
const maxEnding = 5 * time.Second

// await waits until all backends are closed.
func (l *live) await() {
	done := make(chan struct{})
	go func() {
		l.open.Wait()
		close(done)
	}()
	late := time.NewTimer(maxEnding)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		l.log.Error("requests do not end; the server does not wait for them any longer")
	}
}

func (s *sites) backends() []*backend {
	var all []*backend
	for _, t := range s.all {
		for _, r := range t.routes {
			all = append(all, r.backend)
		}
	}
	return all
}

// read reads the file when it has changed, or always. It returns nil when
// there is nothing new in it.
func (l *live) read(always bool) (*config.File, error) {
	seen := follow.StampOf(l.run.File)
	if seen == l.seen && !always {
		return nil, nil
	}
	l.seen = seen
	data, err := readConfig(l.run.File)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	if sum == l.sum && !always {
		return nil, nil
	}
	l.sum = sum
	f, err := l.run.Parse(data)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func readConfig(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %v; name the file with --config FILE (\"freshet config example\" prints one to begin with)", path, cause(err))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %v; name the file with --config FILE", path, cause(err))
	}
	return data, nil
}

// lookEvery is how often the file is looked at.
const lookEvery = 2 * time.Second

// looks returns when to look at the file.
func (e *Env) looks(live bool) (<-chan time.Time, func()) {
	switch {
	case !live:
		return nil, func() {}
	case e.Looks != nil:
		return e.Looks, func() {}
	}
	t := time.NewTicker(lookEvery)
	return t.C, t.Stop
}
