package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"freshet/internal/field"
)

// minParts is how long a body has to be that is fetched in parts.
const minParts = 8 << 20

// partable returns what the parts of a body are known by, nil if it is not
// fetched in parts: unless the server allows them, says how long it all is and
// has a strong validator, and it goes to a file and is long.
func (f *fetch) partable(req *http.Request, resp *http.Response) *getAbout {
	c := f.conf
	if c.Parallel < 2 || f.out.name == "" || c.Heads || req.Method != http.MethodGet || f.body != nil || f.resume.from > 0 ||
		req.Header.Get("Range") != "" || resp.StatusCode != http.StatusOK || resp.ContentLength <= minParts {
		return nil
	}
	if info, err := os.Stat(f.out.name); err == nil && !info.Mode().IsRegular() {
		return nil
	}
	for _, line := range resp.Header["Accept-Ranges"] {
		if field.HasToken(line, "bytes") {
			return aboutOf(f.first.String(), resp)
		}
	}
	return nil
}

// getRanges are the parts of a body that come beside its first one. The answer
// that there is goes on as the first part; when one of the others fails, it
// goes on to the end instead.
type getRanges struct {
	f      *fetch
	req    *http.Request
	about  *getAbout
	file   *os.File
	meter  *getMeter
	first  int64 // how much the first part has
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu   sync.Mutex // guards what follows
	err  error      // the first that has failed
	told bool
}

// startParts starts the parts but the first.
func (f *fetch) startParts(ctx context.Context, req *http.Request, about *getAbout, meter *getMeter) *getRanges {
	n := f.conf.Parallel
	r := &getRanges{f: f, req: req, about: about, file: f.out.file, meter: meter}
	size := (about.Length + n - 1) / n
	r.first = size
	ctx, r.cancel = context.WithCancel(ctx)
	for from := size; from < about.Length; from += size {
		r.ended.Go(func() {
			if err := r.fetch(ctx, from, min(from+size, about.Length)); err != nil {
				r.mu.Lock()
				if r.err == nil {
					r.err = err
				}
				r.mu.Unlock()
				r.cancel()
			}
		})
	}
	return r
}

// fetch fetches a part.
func (r *getRanges) fetch(ctx context.Context, from, to int64) error {
	req := r.req.Clone(ctx)
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
	req.Header.Set("If-Range", r.about.validator())
	resp, err := r.f.verified().RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	first, last, total, ok := contentRange(resp.Header.Get("Content-Range"))
	if resp.StatusCode != http.StatusPartialContent || !ok || first != from || last != to-1 || total != r.about.Length || !r.about.fits(resp) {
		return fmt.Errorf("bytes %d to %d did not come as asked for", from, to-1)
	}
	body := io.Reader(resp.Body)
	if rate := r.f.conf.Limit; rate > 0 {
		body = &getPaced{ReadCloser: resp.Body, pace: newPace(ctx, max(rate/r.f.conf.Parallel, 1))}
	}
	buf := make([]byte, 64<<10)
	for at := from; ; {
		n, err := body.Read(buf)
		if at+int64(n) > to {
			return fmt.Errorf("more came than bytes %d to %d", from, to-1)
		}
		if n > 0 {
			if _, err := r.file.WriteAt(buf[:n], at); err != nil {
				return err
			}
			at += int64(n)
			r.meter.add(n)
		}
		switch {
		case err == io.EOF && at == to:
			return nil
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
}

// have reports whether all is there, now that the first part has come so far.
// At its end the others are waited for.
func (r *getRanges) have(got int64) bool {
	if r == nil || got < r.first {
		return false
	}
	r.ended.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil && !r.told {
		r.told = true
		r.f.tell("it is fetched in one part: %s", getFaultText(r.err))
	}
	return r.err == nil
}

// stop ends the parts. A file that is not complete keeps what has come of the
// first part, for the others have left holes.
func (r *getRanges) stop() {
	if r == nil {
		return
	}
	r.cancel()
	r.ended.Wait()
	if r.f.out.file == r.file {
		r.file.Truncate(r.f.stats.got)
	}
}
