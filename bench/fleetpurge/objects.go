package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/control"
)

// fillers is how many requests for objects there are at once, to each cache.
const fillers = 8

// startOrigin answers with objects that have a tag: /object/N.
func startOrigin(b *bench) *httptest.Server {
	body := bytes.Repeat([]byte("o"), b.size)
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/object/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/plain")
		h.Set("Cache-Control", "max-age=86400")
		h.Set("Surrogate-Key", tagName(i%b.tags())+" "+everything)
		w.Write(body)
	}))
}

// everything is the tag that all objects have.
const everything = "everything"

func tagName(tag int) string { return fmt.Sprint("t", tag) }

// get asks for an object, and reports whether it was a hit.
func (n *node) get(ctx context.Context, i int) (hit bool, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://%s/object/%d", n.addr, i), nil)
	if err != nil {
		return false, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return false, err
	}
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("object %d: %s", i, resp.Status)
	}
	return strings.HasPrefix(resp.Header.Get("Cache-Status"), "freshet; hit"), nil
}

// fill puts all objects into each cache.
func (f *caches) fill(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, n := range f.nodes {
		var next atomic.Int64
		for range fillers {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(f.objects) && ctx.Err() == nil; i = next.Add(1) - 1 {
					if _, err := n.get(ctx, int(i)); err != nil {
						stop(err)
					}
				}
			})
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

// purge purges a tag, in the fleet or in the hub alone, and returns how many
// milliseconds that took, and how many caches had not applied it then. It checks
// that it holds, and was about all that has the tag.
func (f *caches) purge(ctx context.Context, tag int, here bool) (took float64, missing int, err error) {
	began := time.Now()
	a, err := f.hub.Purge(ctx, control.Request{Tags: []string{tagName(tag)}, Here: here})
	took = float64(time.Since(began).Nanoseconds()) / 1e6
	if err != nil {
		return 0, 0, err
	}
	if len(a.Faults) > 0 {
		return 0, 0, errors.New(a.Faults[0])
	}
	purged := f.nodes
	if here {
		purged = f.nodes[:1]
	}
	missing = len(a.Receipt.Missing())
	want := int64(len(purged) * f.tagged(tag))
	switch r := a.Receipt; {
	case !here && len(r.Nodes) != len(purged):
		return 0, 0, fmt.Errorf("the receipt is one of %d caches, not %d", len(r.Nodes), len(purged))
	case missing == 0 && !r.Counting && r.Objects != want:
		return 0, 0, fmt.Errorf("%d objects were purged, not %d", r.Objects, want)
	}
	for _, n := range purged {
		if hit, err := n.get(ctx, tag); err != nil || hit {
			return 0, 0, errors.Join(err, fmt.Errorf("object %d of the cache on %s: a hit: %v", tag, n.addr, hit))
		}
	}
	return took, missing, nil
}

// purgeAll has the tag that all objects have purged softly, so that they can be
// purged so again, and returns how many milliseconds that took, and how many
// caches had not applied it then. It checks that it holds.
func (f *caches) purgeAll(ctx context.Context) (took float64, missing int, err error) {
	began := time.Now()
	a, err := f.hub.Purge(ctx, control.Request{Tags: []string{everything}, Soft: true})
	took = float64(time.Since(began).Nanoseconds()) / 1e6
	if err != nil {
		return 0, 0, err
	}
	if len(a.Faults) > 0 {
		return 0, 0, errors.New(a.Faults[0])
	}
	if len(a.Receipt.Nodes) != len(f.nodes) {
		return 0, 0, fmt.Errorf("the receipt is one of %d caches", len(a.Receipt.Nodes))
	}
	for _, n := range f.nodes {
		if hit, err := n.get(ctx, 1); err != nil || hit {
			return 0, 0, errors.Join(err, fmt.Errorf("an object of the cache on %s: a hit: %v", n.addr, hit))
		}
	}
	return took, len(a.Receipt.Missing()), nil
}
