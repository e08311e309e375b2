package jobs

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Pages are written behind the log, one after the other, by a goroutine that
// the owner hands them to; between two the owner goes on with requests. When
// all that had changed up to an entry are written the meta says so, and the log
// is cut there.

// pageWork is what the owner knows of that.
type pageWork struct {
	entries int   // written since the last round began
	bytes   int64 // of them
	gone    []string
	round   *round
	busy    bool
	retry   time.Time // after an error: not before
	upTo    uint64    // of the last round that was ended

	orders chan order
	done   chan written
	wg     sync.WaitGroup
}

// round is one writing of all pages that have changed.
type round struct {
	upTo     uint64
	nextPage uint64
	leaves   []leaf
	old      []string // keys to delete at the end
}

// order is something to write.
type order struct {
	leaf leaf
	key  string
	data []byte
	// The last order of a round:
	last bool
	old  []string
	trim uint64
}

type written struct {
	order
	err error
}

// pageTime bounds what is written at once.
const pageTime = time.Minute

func (w *pageWork) begin(ctx context.Context, log Log) {
	w.orders, w.done = make(chan order, 1), make(chan written, 1)
	w.wg.Add(1)
	go func() {
		defer w.wg.Done()
		for o := range w.orders {
			w.done <- written{o, o.write(ctx, log)}
		}
	}()
}

// end waits for the goroutine.
func (w *pageWork) end() {
	close(w.orders)
	if w.busy {
		<-w.done
	}
	w.wg.Wait()
}

func (o *order) write(ctx context.Context, log Log) error {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	if err := log.PutPage(ctx, o.key, o.data); err != nil || !o.last {
		return err
	}
	if err := log.Trim(ctx, o.trim); err != nil {
		return err
	}
	for _, key := range o.old {
		if err := log.PutPage(ctx, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// nextPage goes on with a round, or begins one when it is time. It is called
// when everything is durable.
func (s *Scheduler) nextPage() error {
	w := &s.pages
	if w.busy {
		return nil
	}
	if w.round == nil {
		if w.entries < s.options.PageEntries && w.bytes < s.options.PageBytes || s.now().Before(w.retry) {
			return nil
		}
		s.beginRound()
	}
	if o := s.nextOrder(); o != nil {
		w.busy = true
		w.orders <- *o
	}
	return nil
}

// Cut has the pages be written soon, and the log be cut behind them, whether that is
// time or not.
func (s *Scheduler) Cut(ctx context.Context) error {
	return s.ask(ctx, &request{read: func() {
		s.pages.entries, s.pages.retry = max(s.pages.entries, s.options.PageEntries), time.Time{}
	}})
}

func (s *Scheduler) beginRound() {
	w := &s.pages
	w.round = &round{upTo: s.last, nextPage: s.m.nextPage, leaves: s.m.dirty}
	s.m.dirty = nil
	sortLeaves(w.round.leaves)
	w.entries, w.bytes = 0, 0
}

// nextOrder is the next thing to write of a round.
func (s *Scheduler) nextOrder() *order {
	r := s.pages.round
	for len(r.leaves) > 0 {
		l := r.leaves[0]
		r.leaves = r.leaves[1:]
		if b, ok := l.(*block); ok && b.tasks == nil {
			continue // its job was forgotten
		}
		k := l.kept()
		if k.term != 0 && k.term != s.term {
			r.old = append(r.old, l.key(k.term))
		}
		k.dirty, k.asOf, k.term = false, s.last, s.term
		return &order{leaf: l, key: l.key(s.term), data: l.encode(s.last)}
	}
	old := append(append(r.old, s.pages.gone...), s.m.gone...)
	s.pages.gone, s.m.gone = nil, nil
	old = append(old, s.m.sweep(r.upTo)...)
	v := s.m.metaNow(r.upTo, s.term, r.nextPage)
	// The last entry stays, so that a log always knows its number.
	return &order{last: true, key: metaKey(s.term), data: v.encode(), old: old, trim: min(r.upTo, s.last-1)}
}

// pageWritten notes what the goroutine has done.
func (s *Scheduler) pageWritten(p written) {
	w := &s.pages
	w.busy = false
	if p.err == nil {
		if p.last {
			w.upTo, w.round = w.round.upTo, nil
		}
		return
	}
	if s.ctx.Err() == nil {
		s.options.ErrorLog.Error("a page of the jobs' ledger cannot be written; the log grows until it can", "page", p.key, "err", p.err)
	}
	s.m.dirty = append(s.m.dirty, w.round.leaves...)
	if p.leaf != nil && !p.leaf.kept().dirty {
		p.leaf.kept().dirty = true
		s.m.dirty = append(s.m.dirty, p.leaf)
	}
	w.gone = append(append(w.gone, w.round.old...), p.old...)
	w.round, w.entries, w.retry = nil, s.options.PageEntries, s.now().Add(pageTime)
}

// finishPages writes all pages, at the end.
func (s *Scheduler) finishPages() error {
	w := &s.pages
	for pass := 0; pass < 2; pass++ {
		for w.busy || w.round != nil {
			if !w.busy {
				w.busy = true
				w.orders <- *s.nextOrder()
			}
			select {
			case p := <-w.done:
				s.pageWritten(p)
				if p.err != nil {
					return fmt.Errorf("%w; its pages could not be written: %w", ErrClosed, p.err)
				}
			case <-s.ctx.Done():
				return ErrClosed
			}
		}
		if pass == 0 && w.upTo < s.last {
			s.beginRound()
		}
	}
	return ErrClosed
}
