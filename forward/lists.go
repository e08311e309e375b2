package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"freshet/filterlist"
	"freshet/internal/follow"
)

// ListSource is where a list comes from.
type ListSource struct {
	Name string // for people; "" makes one of the file or the address
	File string // of this machine, or
	URL  string // http or https
}

// Bounds of lists.
const (
	maxList        = 64 << 20 // bytes of one, as it is compiled
	leastRefresh   = time.Hour
	mostRefresh    = 14 * 24 * time.Hour
	defaultRefresh = 24 * time.Hour
	lookAtFiles    = 2 * time.Second // how often files are looked at
)

// ruleSet is what was compiled, and what was made of it. It is replaced as a
// whole.
type ruleSet struct {
	*filterlist.Set
	sheets sheets
}

// lists are the lists of a handler. Its goroutine follows files and fetches;
// requests read current alone.
type lists struct {
	log     *slog.Logger
	now     func() time.Time
	fetcher fetcher
	folder  string
	refresh time.Duration

	current atomic.Pointer[ruleSet]

	wake  chan struct{}    // Reload wants a look at everything
	asked chan *listUpdate // and so does UpdateLists, which waits for it
	over  <-chan struct{}  // closed when nothing is followed any more
	end   context.CancelFunc
	ended sync.WaitGroup

	loading sync.Mutex  // held while lists are loaded and compiled
	all     []*followed // in the order of the options

	mu sync.Mutex // guards what the lists tell: followed.state
}

// followed is one of them. Fields but state belong to who holds lists.loading.
type followed struct {
	source ListSource
	text   string
	loaded bool // text is an edition of it
	stamp  follow.Stamp
	kept   keptHead // of what was fetched
	due    time.Time
	failed int // times in a row

	state ListState
}

// ListState is what is known of a list.
type ListState struct {
	Name   string
	From   string // its file or its address
	Info   filterlist.ListInfo
	Loaded bool      // it is in force
	Bytes  int       // of its text
	Read   time.Time // when this edition came
	Looked time.Time // when it was last found to be the newest
	Next   time.Time // when it will be asked for; zero for files, which are followed
	Error  string    // why it is not newer; "" when it is

	// Added and Removed are rules of this edition and of the one before it.
	Added, Removed int
}

// openLists loads the lists of the options. A file that is not there is a fault;
// an address that cannot be reached is not.
func openLists(o *Options, rt http.RoundTripper) (*lists, error) {
	ctx, end := context.WithCancel(context.Background())
	l := &lists{log: o.ErrorLog, now: func() time.Time { return time.Unix(0, o.Now()) }, fetcher: fetcher{rt, o.Name},
		folder: o.ListFolder, refresh: o.ListRefresh, wake: make(chan struct{}, 1), asked: make(chan *listUpdate), over: ctx.Done(), end: end}
	for _, s := range o.Lists {
		l.all = append(l.all, newList(s))
	}
	if err := l.open(ctx); err != nil {
		end()
		return nil, err
	}
	if len(l.all) > 0 {
		l.ended.Go(func() { l.follow(ctx) })
	}
	return l, nil
}

func newList(s ListSource) *followed {
	k := &followed{source: s}
	k.state.From = s.File
	if s.URL != "" {
		k.state.From = s.URL
	}
	if k.source.Name == "" {
		k.source.Name = nameOf(&s)
	}
	k.state.Name = k.source.Name
	return k
}

// nameOf makes a name of the last part of an address or a path.
func nameOf(s *ListSource) string {
	name := filepath.ToSlash(s.File)
	if u, err := url.Parse(s.URL); err == nil && s.URL != "" {
		if name = strings.TrimSuffix(u.Path, "/"); name == "" {
			return u.Host
		}
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}

// check returns what is wrong with a source.
func (s *ListSource) check() error {
	switch u, err := url.Parse(s.URL); {
	case (s.File == "") == (s.URL == ""):
		return errors.New("a list wants a file or an address, one of them")
	case s.URL == "":
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("list %s: it is no http or https address", s.URL)
	}
	return nil
}

// open loads all lists for the first time.
func (l *lists) open(ctx context.Context) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	var faults []error
	var fetching sync.WaitGroup
	for _, k := range l.all {
		switch {
		case k.source.File != "":
			if err := l.readFile(k); err != nil {
				faults = append(faults, fmt.Errorf("list %s: %w", k.source.Name, err))
			}
		case !l.restore(k):
			fetching.Go(func() { l.fetch(ctx, k) })
		}
	}
	fetching.Wait()
	if err := errors.Join(faults...); err != nil {
		return err
	}
	l.compile()
	return nil
}

// readFile reads a list from its file.
func (l *lists) readFile(k *followed) error {
	stamp := follow.StampOf(k.source.File) // before the text: what comes between is seen the next time
	text, err := readBounded(k.source.File)
	if err == nil {
		err = checkText(text)
	}
	k.stamp = stamp
	if err != nil {
		l.fail(k, err)
		return err
	}
	l.take(k, text)
	return nil
}

func readBounded(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readAll(f)
}

// take makes a text the edition of a list that holds.
func (l *lists) take(k *followed, text string) {
	var added, removed []string
	if k.loaded {
		added, removed = filterlist.Diff(k.text, text)
		l.log.Info("filter: a list has changed", "list", k.source.Name, "added", len(added), "removed", len(removed))
	}
	k.text, k.loaded, k.failed = text, true, 0
	now := l.now()
	l.tell(k, func(s *ListState) {
		s.Loaded, s.Bytes, s.Read, s.Looked, s.Error = true, len(text), now, now, ""
		s.Added, s.Removed = len(added), len(removed)
	})
}

// fail says why a list is no newer; what was there stays.
func (l *lists) fail(k *followed, err error) {
	k.failed++
	kept := "a list is left out"
	if k.loaded {
		kept = "a list cannot be read; the edition before it stays"
	}
	l.log.Error("filter: "+kept, "list", k.source.Name, "err", err)
	l.tell(k, func(s *ListState) { s.Error = err.Error() })
}

func (l *lists) tell(k *followed, change func(*ListState)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&k.state)
}

// compile makes a set of the lists that are there.
func (l *lists) compile() {
	var sources []filterlist.Source
	var of []*followed
	for _, k := range l.all {
		if k.loaded {
			sources, of = append(sources, filterlist.Source{Name: k.source.Name, Text: k.text}), append(of, k)
		}
	}
	if len(sources) == 0 {
		l.current.Store(nil)
		return
	}
	set := &ruleSet{Set: filterlist.Compile(sources)}
	for i, info := range set.Lists() {
		k := of[i]
		if k.source.URL != "" && k.failed == 0 {
			k.due = l.dueAfter(k, info.Expires)
		}
		l.tell(k, func(s *ListState) { s.Info, s.Next = info, k.due })
	}
	l.current.Store(set)
}

// follow looks at files and fetches what is due, until ctx ends.
func (l *lists) follow(ctx context.Context) {
	for {
		timer := time.NewTimer(l.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-l.wake:
			timer.Stop()
			l.look(ctx, true)
		case u := <-l.asked:
			timer.Stop()
			l.update(ctx, u)
		case <-timer.C:
			l.look(ctx, false)
		}
	}
}

// pause is the time until something is due.
func (l *lists) pause() time.Duration {
	l.loading.Lock()
	defer l.loading.Unlock()
	pause := mostRefresh
	for _, k := range l.all {
		if k.source.File != "" {
			pause = min(pause, lookAtFiles)
		} else {
			pause = min(pause, max(k.due.Sub(l.now()), time.Second))
		}
	}
	return pause
}

// look loads what has changed or is due, or all with always, and compiles once.
func (l *lists) look(ctx context.Context, always bool) {
	l.loading.Lock()
	defer l.loading.Unlock()
	if l.load(ctx, always, func(int, *followed) {}) && ctx.Err() == nil {
		l.compile()
	}
}

// load loads what has changed or is due, or all with always, until ctx ends,
// and reports whether there is a new edition. told hears of each list before it
// is looked at. The caller holds loading.
func (l *lists) load(ctx context.Context, always bool, told func(i int, k *followed)) (changed bool) {
	for i, k := range l.all {
		if ctx.Err() != nil {
			break
		}
		told(i, k)
		switch {
		case k.source.File != "":
			if s := follow.StampOf(k.source.File); always || s != k.stamp {
				before := k.text
				changed = l.readFile(k) == nil && k.text != before || changed
			}
		case always || !l.now().Before(k.due):
			changed = l.fetch(ctx, k) || changed
		}
	}
	return changed
}

// close ends following.
func (l *lists) close() {
	l.end()
	l.ended.Wait()
}

// Reload looks at all lists anew: files are read, addresses asked. It returns at
// once; what holds stays in force until something newer was compiled.
func (h *Handler) Reload() {
	select {
	case h.lists.wake <- struct{}{}:
	default:
	}
}

// Lists says what is known of the lists, in the order of the options.
func (h *Handler) Lists() []ListState { return h.lists.states() }

func (l *lists) states() []ListState {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]ListState, len(l.all))
	for i, k := range l.all {
		all[i] = k.state
	}
	return all
}

// hides reports whether documents may get style sheets.
func (h *Handler) hides() bool { return len(h.o.Lists) > 0 && h.o.Hiding != HideNothing }

// openFilter opens what judges requests.
func (h *Handler) openFilter(rt http.RoundTripper) error {
	if h.o.ListTransport != nil {
		rt = h.o.ListTransport
	}
	var err error
	if h.lists, err = openLists(&h.o, rt); err != nil {
		return err
	}
	if err := h.allowances.open(h.o.ListFolder, h.lists.now); err != nil {
		h.o.ErrorLog.Warn("filter: allowances begin anew", "err", err)
	}
	return nil
}
