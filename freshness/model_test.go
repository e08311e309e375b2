package freshness

import "testing"

// TestReuseModel goes through small numbers and compares with what RFC 9111 and
// RFC 5861 say, condition by condition: what a stored response must not be, to
// be used without validation.
func TestReuseModel(t *testing.T) {
	c := Cache{MaxStale: 3 * second}
	times := []int64{absent, 0, 1, 2, 4}
	n := 0
	for _, age := range []int64{0, 1, 2, 3, 5} {
		for bits := range 16 {
			for _, while := range times {
				for _, maxAge := range times {
					for _, minFresh := range times {
						for _, maxStale := range times {
							terms := Terms{Lifetime: 2 * second, WhileRevalidate: ns(while), IfError: absent,
								NoCache: bits&1 != 0, MustRevalidate: bits&2 != 0, Immutable: bits&4 != 0}
							d := Directives{NoCache: bits&8 != 0, MaxAge: ns(maxAge), MinFresh: ns(minFresh), MaxStale: ns(maxStale), IfError: absent}
							stale := age - 2
							fresh := stale < 0
							usable := !terms.NoCache && !d.NoCache &&
								(maxAge < 0 || age <= maxAge || terms.Immutable && fresh) &&
								(minFresh < 0 || 2-age >= minFresh)
							asked := maxStale >= 0 && stale <= min(maxStale, 3)
							tolerated := while >= 0 && stale <= min(while, 3) &&
								(maxStale >= 0 && stale <= maxStale || maxStale < 0 && maxAge < 0 && minFresh < 0)
							want := Validate
							switch {
							case !usable:
							case fresh:
								want = Use
							case terms.MustRevalidate:
							case tolerated:
								want = UseAndRevalidate
							case asked:
								want = UseStale
							}
							if got := c.Reuse(&terms, &d, age*second); got.Verdict != want {
								t.Fatalf("age %d, %+v, %+v: %d (%s), want %d", age, terms, d, got.Verdict, got.Rule, want)
							}
							n++
						}
					}
				}
			}
		}
	}
	if n != 5*16*5*5*5*5 {
		t.Errorf("%d cases", n)
	}
}

func ns(sec int64) int64 {
	if sec < 0 {
		return absent
	}
	return sec * second
}
