package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// wish is what a server is wanted to do. It is kept as a page of the log
// "nodes", by the name of the server.
type wish struct {
	Do     string    `json:"do,omitempty"` // doLock, doDrain; "": work
	Serial uint64    `json:"serial"`       // grows
	Since  time.Time `json:"since"`
	// Run is the process that doDrain ends; "": the one that reports next. One
	// that is started later is locked instead: else it would end again and again.
	Run string `json:"run,omitempty"`
}

// pageStore keeps pages; a *bus.Log does.
type pageStore interface {
	PutPage(ctx context.Context, key string, page []byte) error
	Pages(ctx context.Context, f func(key string, page []byte) error) error
}

// wants are what servers are wanted to do.
type wants struct {
	store pageStore // nil: they are forgotten with the process

	writing sync.Mutex // held while a page is written, before mu
	mu      sync.Mutex // guards by; a leaf
	by      map[string]wish
}

// openWants reads what was wanted last.
func openWants(ctx context.Context, store pageStore) (*wants, error) {
	w := &wants{store: store, by: map[string]wish{}}
	if store == nil {
		return w, nil
	}
	return w, store.Pages(ctx, func(name string, page []byte) error {
		var one wish
		if err := json.Unmarshal(page, &one); err != nil {
			return fmt.Errorf("what %s is to do: %w", name, err)
		}
		w.by[name] = one
		return nil
	})
}

// of is what is wanted of a server.
func (w *wants) of(name string) wish {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.by[name]
}

// set changes that, durable on return.
func (w *wants) set(ctx context.Context, name string, change func(*wish)) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	next := w.of(name)
	change(&next)
	if err := w.put(ctx, name, &next); err != nil {
		return fmt.Errorf("keep what %s is to do: %w", name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.by[name] = next
	return nil
}

func (w *wants) put(ctx context.Context, name string, one *wish) error {
	if w.store == nil {
		return nil
	}
	var page []byte // empty: it is removed
	if one != nil {
		var err error
		if page, err = json.Marshal(one); err != nil {
			return err
		}
	}
	return w.store.PutPage(ctx, name, page)
}

// forget has nothing wanted of a server, as before it was ever named.
func (w *wants) forget(ctx context.Context, name string) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	if w.of(name) == (wish{}) {
		return nil
	}
	if err := w.put(ctx, name, nil); err != nil {
		return fmt.Errorf("forget what %s is to do: %w", name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.by, name)
	return nil
}
