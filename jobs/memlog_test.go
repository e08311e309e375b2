package jobs

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// memLog is a Log in memory. hook, if there is one, sees each write before it
// is made, and may refuse it.
type memLog struct {
	mu      sync.Mutex
	first   uint64 // number of entries[0]
	entries [][]byte
	pages   map[string][]byte
	hook    func(what string) error
}

func newMemLog() *memLog { return &memLog{first: 1, pages: map[string][]byte{}} }

// copy is what a disk would have if the power went away now.
func (l *memLog) copy() *memLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &memLog{first: l.first, entries: slices.Clone(l.entries), pages: maps.Clone(l.pages)}
}

func (l *memLog) ask(what string) error {
	if l.hook == nil {
		return nil
	}
	return l.hook(what)
}

func (l *memLog) Read(ctx context.Context, after uint64, f func(n uint64, entry []byte) error) error {
	l.mu.Lock()
	first, entries := l.first, slices.Clone(l.entries)
	l.mu.Unlock()
	for i, e := range entries {
		if n := first + uint64(i); n > after {
			if err := f(n, e); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (l *memLog) Append(_ context.Context, last uint64, entry []byte) (uint64, error) {
	if err := l.ask("append"); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if last != l.first+uint64(len(l.entries))-1 {
		return 0, ErrFenced
	}
	l.entries = append(l.entries, slices.Clone(entry))
	return last + 1, nil
}

func (l *memLog) Trim(_ context.Context, n uint64) error {
	if err := l.ask("trim"); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.first <= n && len(l.entries) > 1 {
		l.first++
		l.entries = l.entries[1:]
	}
	return nil
}

func (l *memLog) PutPage(_ context.Context, key string, page []byte) error {
	if err := l.ask("page " + key); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(page) == 0 {
		delete(l.pages, key)
	} else {
		l.pages[key] = slices.Clone(page)
	}
	return nil
}

func (l *memLog) Pages(_ context.Context, f func(key string, page []byte) error) error {
	l.mu.Lock()
	pages := maps.Clone(l.pages)
	l.mu.Unlock()
	for key, page := range pages {
		if err := f(key, page); err != nil {
			return err
		}
	}
	return nil
}
