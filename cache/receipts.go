package cache

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Receipt says what a purge was about and what has come of it.
type Receipt struct {
	ID   string    `json:"id"`   // "" of a trial
	What []string  `json:"what"` // in words, maxWhat at most
	More int       `json:"more,omitempty"`
	Soft bool      `json:"soft"`
	Time time.Time `json:"time"`

	// Objects counts the stored answers that the purge was about. For an address,
	// and without a disk tier for one tag, it is exact at once; of all else the
	// sweep counts, and until it is done Counting is set. A purge of everything
	// counts keys.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"` // of bodies that are gone; a soft purge removes none
	// Each is Objects by selector, of those that are counted at once; of others 0.
	// Only who purges gets it.
	Each     []int64 `json:"-"`
	Counting bool    `json:"counting,omitempty"`

	Done   time.Time `json:"done,omitzero"`   // when the sweep was
	Undone time.Time `json:"undone,omitzero"` // when it was undone
	// Undoable is set while UndoPurge can have what is stored used as before.
	Undoable bool `json:"undoable,omitempty"`
}

const (
	// maxReceipts is how many receipts are kept, the latest.
	maxReceipts = 1000
	// maxWhat is how much of a long purge a receipt tells.
	maxWhat = 100
	// MaxReceiptID bounds the bytes of a receipt's name.
	MaxReceiptID = 64
)

// ErrNoReceipt says that there is no such receipt, or not any more.
var ErrNoReceipt = errors.New("no such receipt: the latest 1,000 are kept")

// A receipt is a Receipt that changes.
type receipt struct {
	id string

	mu    sync.Mutex // guards all below
	r     Receipt
	exact bool // Objects is
	left  int  // epochs that are not swept
	due   int  // epochs that are still to be read from the file
}

func newReceipt(id string, what []Selector, soft bool, at int64) *receipt {
	r := &receipt{id: id, r: Receipt{ID: id, Soft: soft, Time: time.Unix(0, at).UTC()}}
	for _, s := range what[:min(len(what), maxWhat)] {
		r.r.What = append(r.r.What, s.String())
	}
	r.r.More = len(what) - len(r.r.What)
	return r
}

// newReceiptID makes a name that no other purge has.
func newReceiptID() string { return strings.ToLower(rand.Text()[:12]) }

// ValidReceiptID reports whether a name is one that a purge may have: letters,
// digits, "-" and "_", MaxReceiptID bytes at most.
func ValidReceiptID(id string) bool {
	if id == "" || len(id) > MaxReceiptID {
		return false
	}
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func (r *receipt) snapshot() Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.r
	out.What = slices.Clone(out.What)
	return out
}

// counts adds an object to what the purge was about, with the bytes that go.
func (r *receipt) counts(objects, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.exact {
		r.r.Objects += objects
	}
	r.r.Bytes += bytes
}

// swept notes that one of its epochs was, and reports whether that was the last. A
// purge that was cut off has not all of its epochs, and is never done.
func (r *receipt) swept(at int64) (done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left--
	if r.left > 0 || r.due > 0 || !r.r.Done.IsZero() {
		return false
	}
	r.finish(at)
	return true
}

// finish ends the counting; r.mu is held.
func (r *receipt) finish(at int64) {
	r.r.Counting, r.r.Done = false, time.Unix(0, at).UTC()
}

// cut reports whether a crash has cut a purge off while it was written: it was not
// acknowledged, and is no reason not to do it.
func (r *receipt) cut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.due > 0
}

// receipts are the latest.
type receipts struct {
	mu   sync.Mutex // guards all below
	list []*receipt // the oldest first
	byID map[string]*receipt
}

func (l *receipts) add(r *receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = make(map[string]*receipt)
	}
	if old := l.byID[r.id]; old != nil {
		l.list = slices.DeleteFunc(l.list, func(r *receipt) bool { return r == old })
	}
	l.list = append(l.list, r)
	l.byID[r.id] = r
	if len(l.list) > maxReceipts {
		old := l.list[0]
		l.list = slices.Delete(l.list, 0, 1)
		delete(l.byID, old.id)
	}
}

// restore brings back a receipt, or what has become of it. due is how many epochs
// follow.
func (l *receipts) restore(was *Receipt, due int) {
	r := l.find(was.ID)
	if r == nil {
		r = &receipt{id: was.ID}
		l.add(r)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r, r.exact, r.left, r.due = *was, !was.Counting, 0, due
}

// dropCut forgets receipts of purges that a crash has cut off.
func (l *receipts) dropCut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(r *receipt) bool {
		cut := r.cut()
		if cut {
			delete(l.byID, r.id)
		}
		return cut
	})
}

func (l *receipts) find(id string) *receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

func (l *receipts) all() []*receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

// Receipts returns the receipts of the latest purges, 1,000 at most, the latest
// first.
func (s *Store) Receipts() []Receipt {
	s.look()
	list := s.receipts.all()
	out := make([]Receipt, 0, len(list))
	for _, r := range slices.Backward(list) {
		out = append(out, r.snapshot())
	}
	return out
}

// Receipt returns the receipt of a purge. Its error is [ErrNoReceipt].
func (s *Store) Receipt(id string) (Receipt, error) {
	s.look()
	r := s.receipts.find(id)
	if r == nil {
		return Receipt{}, ErrNoReceipt
	}
	return r.snapshot(), nil
}

// look reads what other processes have purged.
func (s *Store) look() {
	if s.shared {
		s.disk.purges.refresh()
	}
}
