package check

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"freshet/freshness"
	"freshet/internal/wiretest"
)

var verdicts = flag.Int("verdicts", 3000, "how many random answers TestVerdictIsWhatCachesDo looks at")

// What a verdict says is what a cache does that asks package freshness second by
// second, for answers put together by chance.
func TestVerdictIsWhatCachesDo(t *testing.T) {
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	for range *verdicts {
		e := randomAnswer(random)
		x := mustExchange(t, e)
		v := VerdictOf(x)
		for _, c := range []struct {
			cache freshness.Cache
			says  Treatment
		}{{browserCache, v.Browser}, {sharedCache, v.Shared}} {
			if fault := compare(x, &c.cache, &c.says); fault != "" {
				t.Fatalf("%s\n%s\n%s", fault, c.says, e.Response)
			}
		}
	}
}

// compare asks a cache about times around those of a treatment.
func compare(x *Exchange, c *freshness.Cache, says *Treatment) string {
	kept := c.Store(&freshness.Request{Method: x.Method, URL: x.URL, Fields: x.RequestHeader},
		&freshness.Response{Status: x.Status, Fields: x.Header, Received: x.Received})
	if kept.Store != says.Stored {
		return fmt.Sprintf("stored: %v", kept.Store)
	}
	if !kept.Store {
		return ""
	}
	unasked := freshness.NoDirectives()
	for _, after := range []int64{0, 1, says.Fresh - 1, says.Fresh, says.Fresh + 1, says.Fresh + says.Stale, says.Fresh + says.Stale + 1} {
		if after < 0 {
			continue
		}
		want := freshness.Validate
		switch {
		case after < says.Fresh:
			want = freshness.Use
		case says.Stale > 0 && after <= says.Fresh+says.Stale:
			want = freshness.UseAndRevalidate
		}
		if after == says.Fresh && says.Stale == 0 {
			continue // it may be the last moment of stale use
		}
		if got := c.Reuse(&kept.Terms, &unasked, x.Received+after*second).Verdict; got != want {
			return fmt.Sprintf("after %d s: %d, want %d", after, got, want)
		}
	}
	late := x.Received + (says.Fresh+says.Failed+1)*second
	if got := c.OnFailure(&kept.Terms, &unasked, freshness.ServerError, late).Verdict; got != freshness.Validate {
		return "used for longer while the origin fails"
	}
	return ""
}

// randomAnswer has fields of caching in whatever combination.
func randomAnswer(random *rand.Rand) Example {
	directives := []string{
		"max-age=0", "max-age=60", "max-age=3600", "s-maxage=0", "s-maxage=120", "no-cache", "no-store", "private", "public",
		"must-revalidate", "proxy-revalidate", "immutable", "stale-while-revalidate=30", "stale-while-revalidate=31536000", "stale-if-error=600", "must-understand",
	}
	random.Shuffle(len(directives), func(i, j int) { directives[i], directives[j] = directives[j], directives[i] })
	fields := []string{
		"Cache-Control: " + strings.Join(directives[:random.IntN(5)], ", "),
		"Age: " + fmt.Sprint(random.IntN(200)),
		"Expires: Thu, 01 Oct 2026 12:05:00 GMT",
		"Expires: 0",
		"ETag: \"a\"",
		"Last-Modified: Thu, 01 Oct 2026 11:00:00 GMT",
		"Date: Thu, 01 Oct 2026 11:59:10 GMT",
		"CDN-Cache-Control: max-age=90, stale-while-revalidate=45",
		"Vary: Accept-Encoding",
	}
	fields = slices.DeleteFunc(fields, func(string) bool { return random.IntN(2) == 0 })
	statuses := []string{"200 OK", "200 OK", "404 Not Found", "302 Found", "500 Internal Server Error"}
	return answered(statuses[random.IntN(len(statuses))], fields...)
}
