package cache

import "fmt"

// MaxMark bounds the bytes of a bookmark.
const MaxMark = 128

// Mark returns the bookmark that SetMark has set last, in this process or in
// another that shares the folder; "" for none. Without a folder there is none
// after a start.
func (s *Store) Mark() string {
	s.look()
	s.epochs.mu.RLock()
	defer s.epochs.mu.RUnlock()
	return s.epochs.mark
}

// SetMark sets the bookmark: whatever the caller wants to find again beside what
// is stored, such as how far it has followed the purges of others. It is MaxMark
// bytes at most, of any kind. It is kept in the file of the purges, so that a copy
// of the folder has both, and is on the disk when SetMark returns, after all purges
// that were acknowledged before. An error that wraps [ErrNotKept] says that it
// holds until this process ends, and may be gone then; any other that nothing has
// changed.
//
// Where that file is lost or cannot be read there is no bookmark, or the one that
// was read last, and all that is stored is validated before its next use.
func (s *Store) SetMark(mark string) error {
	if len(mark) > MaxMark {
		return fmt.Errorf("cache: a bookmark of %d bytes; %d are the most", len(mark), MaxMark)
	}
	s.purging.Lock()
	defer s.purging.Unlock()
	return s.keepPurge(true, func() []purgeLine {
		s.epochs.mu.Lock()
		defer s.epochs.mu.Unlock()
		s.epochs.mark = mark
		return []purgeLine{markLine(mark)}
	})
}

func markLine(mark string) purgeLine {
	text := printableKey(mark)
	return purgeLine{Mark: &text}
}

// recallMark has a bookmark of the file hold.
func (t *epochs) recallMark(text string) error {
	mark, ok := rawKey(text)
	if !ok || len(mark) > MaxMark {
		return fmt.Errorf("%.20q is no bookmark", text)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mark = mark
	return nil
}
