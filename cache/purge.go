package cache

import (
	"net/url"
	"slices"

	"freshet/internal/rule"
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
	_ = s.change(key, func(r *resource) *resource {
		if r == nil {
			return nil
		}
		n = len(r.objects)
		if !soft {
			s.lost(key, r, fatePurged)
			return nil
		}
		return r.validated(rule.CacheSoftPurged)
	})
	return n
}

// lost remembers what became of a resource that had something.
func (s *Store) lost(key string, r *resource, what fate) {
	if r != nil && len(r.objects) > 0 {
		s.fates.note(s.fates.hash(key), what, s.now())
	}
}

// validated returns the resource with objects that are validated before use.
func (r *resource) validated(why rule.ID) *resource {
	n := *r
	n.objects = slices.Clone(r.objects)
	for i, o := range n.objects {
		n.objects[i] = o.validated(why)
	}
	return &n
}

// validated returns an object that is validated before its next use.
func (o *object) validated(why rule.ID) *object {
	c := *o
	c.terms.NoCache, c.must = true, why
	return &c
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
