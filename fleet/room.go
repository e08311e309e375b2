package fleet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"freshet/internal/bus"
	"freshet/internal/pulse"
	"freshet/jobs"
)

// Jobs share what may be stored on the bus with purges, tokens and what becomes of
// tasks that run. So that jobs that wait never are why a purge is refused, no more
// are accepted when nine tenths are in use.

// roomEvery is how often it is looked how much is stored.
const roomEvery = 2 * time.Second

// room is how much is stored, as far as it is known.
type room struct {
	mu         sync.Mutex // guards what follows; a leaf
	used, most int64      // when it was looked last
	added      int64      // since then
}

// take says whether so many bytes of jobs may be added, and counts them: each is in
// the log, and then for a while on a page, too. It waits for nothing.
func (r *room) take(bytes int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	after := r.used + r.added + 2*int64(bytes)
	if r.most > 0 && after > r.most/10*9 {
		return fmt.Errorf("%w: %d of %d bytes that may be stored on the bus are in use, and the last tenth is for purges and for what becomes of tasks; wait until jobs are over and forgotten (--job-keep)", jobs.ErrFull, r.used+r.added, r.most)
	}
	r.added += 2 * int64(bytes)
	return nil
}

// look asks how much there is.
func (r *room) look(ctx context.Context, conn *bus.Conn) error {
	r.mu.Lock()
	before := r.added
	r.mu.Unlock()
	used, most, err := conn.Room(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used, r.most = used, most
	r.added -= before
	return nil
}

// watch looks again and again, until ctx ends.
func (r *room) watch(ctx context.Context, conn *bus.Conn) {
	every := pulse.NewTicker(roomEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		every.Again()
		_ = r.look(ctx, conn) // what is added counts until it is known
	}
}
