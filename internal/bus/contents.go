//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"freshet/internal/atrest"
)

// What a stream of ours has is sealed before NATS gets it, when there are keys:
// each message is a small file of package atrest, bound to its stream and its
// place there.
//
//	entry 17 of log jobs       fleet log_jobs: entry 17
//	page KEY of log jobs       fleet page_jobs: page KEY
//	part 3 of an object        fleet OBJ_files: part 3 of NUID
//	what an object is          fleet OBJ_files: label NAME
//
// It is sealed by a secret of the fleet, which is in a record (see secrets). So
// nothing opens that is another's, or was put elsewhere, or was cut; what may be
// done is to take things away, and to put back what was there before. Subjects,
// which have the names of pages and objects, headers, sizes, leases and requests
// are not sealed here. An empty page, which deletes one, is empty.
//
// From a number on, which the record has, nothing in a stream is plain. Of a stream
// that was empty when keys came it is 1. Before it plain is read, so that a fleet
// may get its keys while it runs; see [Log.Reseal].

func entryWhat(stream string, n uint64) string { return fmt.Sprintf("fleet %s: entry %d", stream, n) }
func pageWhat(stream, key string) string       { return "fleet " + stream + ": page " + key }
func labelWhat(stream, escaped string) string  { return "fleet " + stream + ": label " + escaped }
func partWhat(stream, id string, k int) string {
	return fmt.Sprintf("fleet %s: part %d of %s", stream, k, id)
}

// content is how what is in a stream is sealed, as one who has it open knows.
type content struct {
	c      *Conn
	stream string

	recorded atomic.Uint64 // what the record says: nothing is plain from this number on; 0: not known

	mu   sync.Mutex // guards from; a leaf
	from uint64     // the same, as it is known here
}

// damagedError is [ErrDamaged] in other words.
type damagedError struct{ error }

func (e damagedError) Is(target error) bool { return target == ErrDamaged }
func (e damagedError) Unwrap() error        { return e.error }

// noSecretError is [atrest.ErrNoKey] in other words: it is not the file of keys that
// lacks one.
type noSecretError struct{ error }

func (e noSecretError) Is(target error) bool { return target == atrest.ErrNoKey }

// errNotSealed is of what begins as if it were sealed, and is to be stored plain.
var errNotSealed = errors.New("it begins as what is sealed does, and there is no key")

// sealed says whether what is put here is sealed.
func (s *content) sealed() bool { return s.c.seal != nil }

// pack is what is to be stored of plain.
func (s *content) pack(plain []byte, what string) ([]byte, error) {
	if s.sealed() {
		return s.c.secrets.Pack(plain, what), nil
	}
	if atrest.IsSealed(plain) {
		return nil, errNotSealed
	}
	return plain, nil
}

// fits says whether something is not too long, sealed or not.
func (s *content) fits(plain int) bool { return int64(plain) <= s.room() }

// room is how long may be what is put here.
func (s *content) room() int64 {
	if !s.sealed() {
		return s.c.room()
	}
	most := s.c.nc.MaxPayload() - headerRoom
	return min(MaxEntry, most-(atrest.MaxSealedSize(most)-most))
}

// open is what was packed, of message n.
func (s *content) open(ctx context.Context, n uint64, data []byte, what string) ([]byte, error) {
	plain, _, err := s.unpack(ctx, n, data, what)
	return plain, err
}

// unpack is open, and says by which secret it was sealed; "": it is plain.
func (s *content) unpack(ctx context.Context, n uint64, data []byte, what string) (plain []byte, by string, err error) {
	switch {
	case !s.sealed() && atrest.IsSealed(data):
		return nil, "", fmt.Errorf("message %d of stream %s: %w", n, s.stream, atrest.ErrSealed)
	case !s.sealed():
		return data, "", nil
	case !atrest.IsSealed(data):
		if from := s.plainBefore(); from > 0 && n >= from {
			return nil, "", damagedError{fmt.Errorf("message %d of stream %s is not sealed, and all from number %d on are; nothing was changed", n, s.stream, from)}
		}
		return data, "", nil
	}
	ring := s.c.secrets
	if name, err := atrest.KeyOf(data); err == nil && !ring.Has(name) {
		// A secret that is newer than what is known here.
		if err := s.c.readSecrets(ctx); err != nil {
			return nil, "", err
		}
	}
	plain, by, err = ring.Open(nil, data, what)
	switch {
	case errors.Is(err, atrest.ErrNoKey):
		return nil, "", noSecretError{fmt.Errorf("message %d of stream %s is sealed by the fleet's secret %s, which the record in stream %s does not have: that one is of another fleet, or of another time; put it back from a copy; nothing was changed", n, s.stream, by, secretsStream)}
	case err != nil:
		return nil, "", damagedError{fmt.Errorf("message %d of stream %s, %q: %w; nothing was changed", n, s.stream, what, err)}
	case plain == nil:
		plain = []byte{}
	}
	return plain, by, nil
}

// plainBefore is the number from which on nothing is plain; 0: not known.
func (s *content) plainBefore() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from
}

// sealedFrom notes that nothing is plain from a number on.
func (s *content) sealedFrom(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from == 0 || n < s.from {
		s.from = n
	}
}
