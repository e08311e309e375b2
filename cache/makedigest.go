package cache

import (
	"errors"
	"hash"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"freshet/digest"
	"freshet/internal/field"
)

// Digests that a request wants (RFC 9530 §4) of what is stored, and of which the
// origin has said nothing, are made here: once for a body and an algorithm. Short
// bodies in memory are hashed at once; others in the background, one at a time, so
// that the first who asks goes without. A private cache makes none: to who asks, it
// would look as if the server had said so; and where processes share a folder only
// short bodies are hashed, for what is found there is forgotten with the request.

// maxHashedAtOnce is how long a body is that a request waits for, in octets.
const maxHashedAtOnce = 256 << 10

// madeDigests are the digests of a body that were made.
type madeDigests [2]atomic.Pointer[digest.Digest]

func (m *madeDigests) of(a digest.Algorithm) *atomic.Pointer[digest.Digest] {
	return &m[a-digest.SHA256]
}

// setDigests gives an answer with an object the digests that the request wants.
// Repr-Digest is that of the whole, beside a part of it and for HEAD, too.
func (h *Handler) setDigests(header http.Header, q *inquiry, o *object, status int) {
	whole := status == o.status
	if h.policy.Private || !o.body.whole() || o.body.size < 0 || !whole && status != http.StatusPartialContent || status == http.StatusNoContent {
		return
	}
	for _, f := range [...]struct {
		name, wanted string
		applies      bool
	}{
		{"Repr-Digest", "Want-Repr-Digest", true},
		{"Content-Digest", "Want-Content-Digest", whole && q.r.Method == http.MethodGet},
	} {
		lines := q.r.Header[f.wanted]
		if len(lines) == 0 || !f.applies || len(o.fields[f.name]) > 0 {
			continue
		}
		if a := digest.ParseWant(lines).Choose(); a != digest.None {
			if d := h.store.digestOf(&o.body, a); d != nil {
				header[f.name] = []string{d.String()}
			}
		}
	}
}

// digestOf returns the digest of a body; nil when it is not made yet.
func (s *Store) digestOf(b *body, a digest.Algorithm) *digest.Digest {
	known := b.kept.digests.of(a)
	if d := known.Load(); d == &unread {
		return nil
	} else if d != nil {
		return d
	}
	if b.disk == nil && b.size <= maxHashedAtOnce {
		d := digest.Of(a, b.data)
		known.Store(&d)
		return &d
	}
	if !s.shared {
		s.hashing.begin(*b, a)
	}
	return nil
}

// unread is in the place of the digest of a body that could not be read, so that
// nobody has it read again.
var unread digest.Digest

// hashing makes digests in the background, one at a time. The zero value is ready.
type hashing struct {
	mu     sync.Mutex // guards the two below
	busy   bool
	closed bool
	ends   atomic.Bool // closed, for who writes
	wg     sync.WaitGroup
}

// begin begins to hash a body, unless another one is being hashed.
func (s *hashing) begin(b body, a digest.Algorithm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy || s.closed {
		return
	}
	s.busy = true
	s.wg.Go(func() {
		sum := &hashWriter{a.New(), s}
		made := &unread
		if hashBody(sum, &b) == nil {
			d := digest.FromSum(a, sum.Sum(nil))
			made = &d
		}
		b.kept.digests.of(a).Store(made)
		s.mu.Lock()
		s.busy = false
		s.mu.Unlock()
	})
}

func (s *hashing) close() {
	s.mu.Lock()
	s.closed = true
	s.ends.Store(true)
	s.mu.Unlock()
	s.wg.Wait()
}

// hashBody writes a whole body.
func hashBody(w io.Writer, b *body) error {
	if b.disk != nil {
		return b.disk.send(w, field.Range{Length: b.size})
	}
	for rest := b.data; len(rest) > 0; {
		n := min(len(rest), verifyStep)
		if _, err := w.Write(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// hashWriter is a hash that ends with the store.
type hashWriter struct {
	hash.Hash
	of *hashing
}

var errClosing = errors.New("cache: the store is being closed")

func (w *hashWriter) Write(p []byte) (int, error) {
	if w.of.ends.Load() {
		return 0, errClosing
	}
	return w.Hash.Write(p)
}
