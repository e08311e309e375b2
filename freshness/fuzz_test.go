package freshness

import (
	"strings"
	"testing"
)

// FuzzCacheControl stores and reuses answers with any Cache-Control, targeted
// field, Expires and Age, and checks what must hold whatever they say.
func FuzzCacheControl(f *testing.F) {
	for _, s := range []string{
		"max-age=60", `max-age="60", no-cache="a, b", private=x`, "s-maxage=1, must-revalidate", "no-store, must-understand",
		"max-age=99999999999999999999", `x="max-age=1`, "stale-while-revalidate=5, stale-if-error=5, immutable", "public",
	} {
		f.Add(s, "max-age=5, private", t0Date, "30", "max-stale=5", int64(70), false)
		f.Add(s, "", "0", "", "", int64(-1), true)
	}
	f.Fuzz(func(t *testing.T, cc, targeted, expires, age, request string, after int64, private bool) {
		c := Cache{Private: private}
		r := &Response{Status: 200, Requested: t0 - second, Received: t0, Fields: Fields{
			"Cache-Control": {cc}, "Cdn-Cache-Control": {targeted}, "Expires": {expires}, "Age": {age}, "Last-Modified": {t0Date}, "Etag": {`"x"`},
		}}
		if targeted == "" {
			delete(r.Fields, "Cdn-Cache-Control")
		}
		q := &Request{Method: "GET", URL: site, Fields: Fields{"Cache-Control": {request}}}
		s := c.Store(q, r)
		terms := s.Terms
		if s.Rule == 0 || terms.From == 0 || terms.Lifetime < 0 || terms.Lifetime > maxSeconds*second || terms.InitialAge < 0 {
			t.Fatalf("%+v", s)
		}
		if s.Store != (s.Rule.String() == "" || !strings.HasPrefix(s.Rule.String(), "not-stored")) {
			t.Errorf("stored %v because of %s", s.Store, s.Rule)
		}
		now := addClamped(t0, after)
		d := ParseDirectives(q.Fields["Cache-Control"], nil)
		ttl := terms.TTL(now)
		for _, got := range []Reuse{c.Reuse(&terms, &d, now), c.OnFailure(&terms, &d, Unreachable, now), c.OnFailure(&terms, &d, ServerError, now)} {
			switch got.Verdict {
			case Use:
				if ttl <= 0 || terms.NoCache {
					t.Errorf("%s: used with TTL %d, %+v", got.Rule, ttl, terms)
				}
			case UseStale, UseAndRevalidate:
				if ttl > 0 || terms.NoCache || terms.MustRevalidate {
					t.Errorf("%s: used stale with TTL %d, %+v", got.Rule, ttl, terms)
				}
			}
			if got.Rule == 0 {
				t.Errorf("no rule: %+v", got)
			}
		}
		if targeted != "" || strings.Contains(cc, `"`) {
			return
		}
		// A list can be cut into lines.
		parts := strings.Split(cc, ",")
		r.Fields["Cache-Control"] = parts
		if got := c.Terms(r); got != terms {
			t.Errorf("%q: %+v, as lines %+v", cc, terms, got)
		}
		// What is unknown changes nothing, what forbids more is obeyed.
		r.Fields["Cache-Control"] = append(parts[:len(parts):len(parts)], `x="no-store, max-age=9", y`)
		if got := c.Terms(r); got != terms {
			t.Errorf("%q: %+v, with unknown directives %+v", cc, terms, got)
		}
		r.Fields["Cache-Control"] = append(parts[:len(parts):len(parts)], "No-Store")
		if s := c.Store(q, r); s.Store && !parseCacheControl(parts).mustUnderstand {
			t.Errorf("%q with no-store is stored by %s", cc, s.Rule)
		}
		r.Fields["Cache-Control"] = append(parts[:len(parts):len(parts)], "no-cache", "must-revalidate")
		if got := c.Terms(r); !got.NoCache || !got.MustRevalidate {
			t.Errorf("%q with no-cache: %+v", cc, got)
		}
	})
}

// FuzzTargeted: a targeted field that can be read takes the place of
// Cache-Control, and one that cannot does nothing.
func FuzzTargeted(f *testing.F) {
	for _, s := range []string{"max-age=5", `no-cache="a"`, "max-age=10000, &&&&&", "private;x=1, s-maxage=-5", "max-age=1.5", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var c Cache
		plain := c.Terms(&Response{Fields: Fields{"Cache-Control": {"max-age=77"}}})
		both := c.Terms(&Response{Fields: Fields{"Cache-Control": {"max-age=77"}, "Cdn-Cache-Control": {s}}})
		alone := c.Terms(&Response{Fields: Fields{"Cdn-Cache-Control": {s}}})
		if _, ok := parseTargeted([]string{s}); ok && both != alone || !ok && both != plain {
			t.Errorf("%q: alone %+v, beside Cache-Control %+v", s, alone, both)
		}
	})
}
