package fleet

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"freshet/internal/bus"
	"freshet/internal/pulse"
	"freshet/jobs"
)

// Jobs, and their files where these are elsewhere, share what may be stored on the
// bus with purges, tokens and what becomes of tasks that run. So that neither jobs
// that wait nor files ever are why a purge is refused, no more jobs are accepted when
// nine tenths are in use, and no more files when eight tenths are.

// roomEvery is how often it is looked how much is stored.
const roomEvery = 2 * time.Second

// room is how much is stored, as far as it is known.
type room struct {
	mu         sync.Mutex // guards what follows; a leaf
	used, most int64      // when it was looked last
	added      int64      // since then
	coming     int64      // of files on their way, of which nobody knows how much has come
}

// take says whether so many bytes of jobs may be added, and counts them: each is in
// the log, and then for a while on a page, too. It waits for nothing.
func (r *room) take(bytes int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.used + r.added + r.coming
	if r.most > 0 && now+2*int64(bytes) > r.most/10*9 {
		return fmt.Errorf("%w: %d of %d bytes that may be stored on the bus are in use, and the last tenth is for purges and for what becomes of tasks; wait until jobs are over and forgotten (--job-keep)", jobs.ErrFull, now, r.most)
	}
	r.added += 2 * int64(bytes)
	return nil
}

// takeFile says whether a file of so many bytes may be added, and counts it as one
// that comes, until came is called. What has come of it until then may be counted
// twice, and is never left out.
func (r *room) takeFile(bytes int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.used + r.added + r.coming; r.most > 0 && now+bytes > r.most/10*8 {
		return fmt.Errorf("%w: %d of %d bytes that may be stored on the bus are in use, and a file of %d more would leave less than two tenths, which are for jobs, purges and what becomes of tasks; wait until jobs are over and forgotten (--job-keep), or give it more room", jobs.ErrFull, now, r.most, bytes)
	}
	r.coming += bytes
	return nil
}

// came says that a file comes no more, of which so many bytes were put.
func (r *room) came(bytes, put int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.coming -= bytes
	r.added += put
}

// roomy are objects for which there has to be room before they are put.
type roomy struct {
	objects
	room *room
}

// Put is objects.Put of what has a length that is known, as all that elsewhere puts.
func (o roomy) Put(ctx context.Context, key string, r io.Reader) error {
	if content, ok := r.(*exactly); ok {
		size := content.left
		if err := o.room.takeFile(size); err != nil {
			return err
		}
		defer func() { o.room.came(size, size-content.left) }()
	}
	return o.objects.Put(ctx, key, r)
}

// look asks how much there is. What comes meanwhile stays counted beside it.
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
	pulse.Each(ctx, roomEvery, func() {
		_ = r.look(ctx, conn) // what is added counts until it is known
	})
}
