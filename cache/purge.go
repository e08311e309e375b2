package cache

import (
	"net/url"
	"slices"
)

// Purge removes what is stored for a URL, all variants of it, or with soft has
// it validated before its next use. It returns how many answers there were. The
// URL is absolute; rules for keys apply to it as to a request's.
func (h *Handler) Purge(uri string, soft bool) (int, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return 0, err
	}
	t := targetOf(u.Scheme == "https", u.Host, u)
	n := 0
	for _, key := range h.keysOf(&t, &source{}) {
		n = max(n, h.store.purge(key, soft))
	}
	return n, nil
}

// purge removes what is stored under a key, or makes it stale, and returns how
// many answers there were.
func (s *Store) purge(key string, soft bool) (n int) {
	s.invalidated.add(key)
	s.change(key, func(r *resource) *resource {
		if r == nil {
			return nil
		}
		n = len(r.objects)
		if !soft {
			return nil
		}
		return r.stale()
	})
	return n
}

// stale returns the resource with objects that are validated before use.
func (r *resource) stale() *resource {
	n := *r
	n.objects = slices.Clone(r.objects)
	for i, o := range n.objects {
		c := *o
		c.terms.NoCache = true
		n.objects[i] = &c
	}
	return &n
}

// invalidateGroups drops what is stored of an origin with one of the groups
// (RFC 9875 §3).
func (s *Store) invalidateGroups(origin string, groups []string) {
	s.groups.invalidate(origin, groups, s.generation.Add(1))
	if s.disk != nil {
		if err := s.disk.writeGenerations(); err != nil {
			s.opt.ErrorLog.Error("cache: keep what was purged", "err", err)
		}
	}
}
