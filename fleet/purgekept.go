package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"freshet/internal/pulse"
)

// Pages of the log beside its purges.
const (
	pageLog  = "log"   // its name
	pageNode = "node-" // and a node's name
	pageSaid = "said-" // and the number of some purges: what nodes said of them
)

// saidOnPage is of how many purges a page tells.
const saidOnPage = 8

func pageOf(n uint64) string { return fmt.Sprint(pageSaid, n/saidOnPage) }

// keptNode is the page of a node.
type keptNode struct {
	Process string    `json:"process"`
	Before  []string  `json:"before,omitempty"` // that may have a lease
	Seen    time.Time `json:"seen"`
	Away    bool      `json:"away,omitempty"`
}

func (n *node) page() []byte {
	k := keptNode{Process: n.now.process, Seen: n.seen.UTC().Truncate(time.Millisecond), Away: n.away}
	now := time.Now()
	for _, o := range n.old {
		if o.until.After(now) {
			k.Before = append(k.Before, o.process)
		}
	}
	b, _ := json.Marshal(&k) // texts and a time
	return b
}

// readPages reads what was remembered of nodes. Whoever was there may have a
// lease still.
func (h *hub) readPages(ctx context.Context) error {
	now := time.Now()
	return h.store.Pages(ctx, func(key string, page []byte) error {
		name, isNode := strings.CutPrefix(key, pageNode)
		switch {
		case key == pageLog:
			h.id = string(page)
		case isNode:
			var k keptNode
			if err := json.Unmarshal(page, &k); err != nil {
				return fmt.Errorf("page %s: %w", key, err)
			}
			until := now.Add(h.times.lease + h.times.slack)
			n := &node{name: name, seen: k.Seen, away: k.Away, now: &holder{name: name, process: k.Process, until: until}}
			for _, process := range k.Before {
				n.old = append(n.old, &holder{name: name, process: process, until: until})
			}
			if !k.Away {
				n.seen = now
			}
			h.nodes[name] = n
		case strings.HasPrefix(key, pageSaid):
			said := map[uint64]map[string]*outcome{}
			if err := json.Unmarshal(page, &said); err != nil {
				return fmt.Errorf("page %s: %w", key, err)
			}
			for n, by := range said {
				h.said[n] = by
			}
		}
		return nil
	})
}

// run writes behind until ctx ends.
func (h *hub) run(ctx context.Context) {
	failed := false
	pulse.Each(ctx, h.times.flush, func() {
		h.prune()
		err := h.flush(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			h.log.Warn("what nodes said of purges is not kept", "err", err)
		}
		failed = err != nil
	})
}

// flush writes what has changed: pages, where the log begins, how far the own
// cache has come. One goroutine does.
func (h *hub) flush(ctx context.Context) error {
	faults := []error{h.flushNodes(ctx)}
	h.mu.Lock()
	pages := h.take(pageSaid)
	first, mark := h.first, h.mark
	h.first = 0
	h.mu.Unlock()
	faults = append(faults, h.put(ctx, pages))
	if first > 0 {
		faults = append(faults, h.store.Trim(ctx, first-1))
	}
	if h.cache != nil && mark != h.kept {
		err := h.cache.SetMark(mark)
		if err == nil {
			h.kept = mark
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// flushNodes writes the pages of nodes, while none is admitted, so that no page
// is replaced by an earlier one.
func (h *hub) flushNodes(ctx context.Context) error {
	h.admitting.Lock()
	defer h.admitting.Unlock()
	h.mu.Lock()
	now := time.Now()
	for name, n := range h.nodes {
		if away := !n.now.until.After(now); away != n.away {
			n.away = away
			h.dirty[pageNode+name] = true
		}
	}
	pages := h.take(pageNode)
	h.mu.Unlock()
	return h.put(ctx, pages)
}

// take returns the pages of a kind that are to be written; mu is held.
func (h *hub) take(kind string) map[string][]byte {
	pages := map[string][]byte{}
	for key := range h.dirty {
		if strings.HasPrefix(key, kind) {
			pages[key] = h.page(key)
			delete(h.dirty, key)
		}
	}
	return pages
}

// put writes pages. One that could not be is tried again.
func (h *hub) put(ctx context.Context, pages map[string][]byte) error {
	var faults []error
	for key, page := range pages {
		if err := h.store.PutPage(ctx, key, page); err != nil {
			faults = append(faults, err)
			h.mu.Lock()
			h.dirty[key] = true
			h.mu.Unlock()
		}
	}
	return errors.Join(faults...)
}

// page is what a page is to say, nothing if it is not to be; mu is held.
func (h *hub) page(key string) []byte {
	if name, is := strings.CutPrefix(key, pageNode); is {
		n := h.nodes[name]
		if n == nil {
			return nil
		}
		return n.page()
	}
	var group uint64
	if _, err := fmt.Sscan(strings.TrimPrefix(key, pageSaid), &group); err != nil {
		return nil
	}
	said := map[uint64]map[string]*outcome{}
	for n := group * saidOnPage; n < (group+1)*saidOnPage; n++ {
		if by := h.said[n]; by != nil {
			said[n] = by
		}
	}
	if len(said) == 0 {
		return nil
	}
	b, _ := json.Marshal(said) // texts, numbers and times
	return b
}
