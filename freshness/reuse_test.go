package freshness

import (
	"math"
	"testing"

	"freshet/internal/rule"
)

// aged are terms of an answer that is sec seconds old.
func aged(answer string, sec int64) (terms Terms, now int64) {
	var c Cache
	terms = c.Terms(&Response{Status: 200, Fields: fields(answer), Requested: t0, Received: t0})
	return terms, t0 + sec*second
}

// Answers of the tables below.
const (
	minute    = "Cache-Control: max-age=60"
	while     = "Cache-Control: max-age=60, stale-while-revalidate=30"
	must      = "Cache-Control: max-age=60, must-revalidate, stale-while-revalidate=30, stale-if-error=30"
	immutable = "Cache-Control: max-age=60, immutable"
	ifError   = "Cache-Control: max-age=60, stale-if-error=30"
)

// reuseCases are answers, their ages in seconds, the Cache-Control of requests,
// and what is decided.
var reuseCases = []struct {
	name    string
	cache   Cache
	answer  string
	age     int64
	request string
	verdict Verdict
	rule    rule.ID
}{
	{"fresh", Cache{}, minute, 59, "", Use, rule.ReuseFresh},
	{"at its end", Cache{}, minute, 60, "", Validate, rule.ReuseStale},
	{"stale", Cache{}, minute, 61, "", Validate, rule.ReuseStale},
	{"no-cache", Cache{}, "Cache-Control: max-age=60, no-cache", 0, "max-stale", Validate, rule.ReuseNoCache},
	{"no-cache for a field", Cache{}, `Cache-Control: max-age=60, no-cache="foo"`, 0, "", Use, rule.ReuseFresh},

	{"request: no-cache", Cache{}, minute, 1, "no-cache", Validate, rule.ReuseRequestNoCache},
	{"request: no-cache, ignored", Cache{IgnoreRequest: true}, minute, 1, "no-cache", Use, rule.ReuseFresh},
	{"request: max-age", Cache{}, minute, 10, "max-age=10", Use, rule.ReuseFresh},
	{"request: max-age, too old", Cache{}, minute, 11, "max-age=10", Validate, rule.ReuseRequestMaxAge},
	{"request: max-age, too old, ignored", Cache{IgnoreRequest: true}, minute, 11, "max-age=10", Use, rule.ReuseFresh},
	{"request: max-age with max-stale", Cache{}, minute, 70, "max-age=80, max-stale=20", UseStale, rule.ReuseRequestMaxStale},
	{"request: max-age without max-stale", Cache{}, while, 70, "max-age=80", Validate, rule.ReuseStale},
	{"request: min-fresh", Cache{}, minute, 50, "min-fresh=10", Use, rule.ReuseFresh},
	{"request: min-fresh, too stale", Cache{}, minute, 51, "min-fresh=10", Validate, rule.ReuseRequestMinFresh},
	{"request: min-fresh=0", Cache{}, while, 60, "min-fresh=0", Validate, rule.ReuseStale},
	{"request: max-stale", Cache{}, minute, 70, "max-stale=10", UseStale, rule.ReuseRequestMaxStale},
	{"request: max-stale, too stale", Cache{}, minute, 71, "max-stale=10", Validate, rule.ReuseStale},
	{"request: any max-stale", Cache{}, minute, 60 + 7*86400, "max-stale", UseStale, rule.ReuseRequestMaxStale},
	{"request: any max-stale has its cap", Cache{}, minute, 61 + 7*86400, "max-stale", Validate, rule.ReuseStale},
	{"request: max-stale, own cap", Cache{MaxStale: 5 * second}, minute, 66, "max-stale=10", Validate, rule.ReuseStale},
	{"request: max-stale, forbidden", Cache{MaxStale: -1}, minute, 60, "max-stale=10", Validate, rule.ReuseStale},
	{"request: max-stale, ignored", Cache{IgnoreRequest: true}, minute, 61, "max-stale=10", Validate, rule.ReuseStale},
	{"immutable, reloaded", Cache{}, immutable, 10, "max-age=0", Use, rule.ReuseImmutable},
	{"immutable, forced", Cache{}, immutable, 10, "no-cache", Validate, rule.ReuseRequestNoCache},
	{"immutable, stale", Cache{}, immutable, 60, "max-age=0", Validate, rule.ReuseRequestMaxAge},

	{"while", Cache{}, while, 90, "", UseAndRevalidate, rule.ReuseWhileRevalidate},
	{"while, with max-stale", Cache{}, while, 90, "max-stale", UseAndRevalidate, rule.ReuseWhileRevalidate},
	{"while, with less max-stale", Cache{}, while, 90, "max-stale=29", Validate, rule.ReuseStale},
	{"while, over", Cache{}, while, 91, "", Validate, rule.ReuseStale},
	{"while, own cap", Cache{MaxStale: second}, while, 62, "", Validate, rule.ReuseStale},
	{"must-revalidate", Cache{}, must, 61, "max-stale", Validate, rule.ReuseMustRevalidate},
	{"must-revalidate, fresh", Cache{}, must, 59, "", Use, rule.ReuseFresh},
	{"proxy-revalidate", Cache{}, "Cache-Control: max-age=1, proxy-revalidate", 2, "max-stale", Validate, rule.ReuseMustRevalidate},
	{"s-maxage", Cache{}, "Cache-Control: s-maxage=1", 2, "max-stale", Validate, rule.ReuseMustRevalidate},
	{"never fresh", Cache{}, `ETag: "x"`, 0, "", Validate, rule.ReuseStale},
}

func TestReuse(t *testing.T) {
	for _, tt := range reuseCases {
		terms, now := aged(tt.answer, tt.age)
		d := NoDirectives()
		if tt.request != "" {
			d = ParseDirectives([]string{tt.request}, nil)
		}
		got := tt.cache.Reuse(&terms, &d, now)
		if got != (Reuse{tt.verdict, tt.rule}) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, got.Verdict, got.Rule, tt.verdict, tt.rule)
		}
	}
	// Less than a second counts too.
	terms, now := aged("Cache-Control: max-age=60", 0)
	d := ParseDirectives([]string{"max-age=0"}, nil)
	if got := (&Cache{}).Reuse(&terms, &d, now+1); got.Verdict != Validate {
		t.Errorf("max-age=0 after a nanosecond: %v", got)
	}
}

// failureCases are as reuseCases, when the origin failed.
var failureCases = []struct {
	name    string
	cache   Cache
	answer  string
	age     int64
	request string
	failure Failure
	verdict Verdict
	rule    rule.ID
}{
	{"unreachable", Cache{}, minute, 60 + 86400, "", Unreachable, UseStale, rule.ReuseDisconnected},
	{"unreachable, for too long", Cache{}, minute, 61 + 86400, "", Unreachable, Validate, rule.FailureTooStale},
	{"unreachable, own limit", Cache{Disconnected: 5 * second}, minute, 66, "", Unreachable, Validate, rule.FailureTooStale},
	{"unreachable, forbidden", Cache{Disconnected: -1}, minute, 61, "", Unreachable, Validate, rule.FailureNoPermission},
	{"unreachable, must-revalidate", Cache{}, minute + ", must-revalidate", 61, "", Unreachable, Validate, rule.ReuseMustRevalidate},
	{"unreachable, proxy-revalidate", Cache{}, minute + ", proxy-revalidate", 61, "", Unreachable, Validate, rule.ReuseMustRevalidate},
	{"unreachable, s-maxage", Cache{}, minute + ", s-maxage=2", 61, "", Unreachable, Validate, rule.ReuseMustRevalidate},
	{"unreachable, no-cache", Cache{}, minute + ", no-cache", 1, "", Unreachable, Validate, rule.ReuseNoCache},
	{"unreachable, client insists", Cache{}, minute, 61, "no-cache", Unreachable, Validate, rule.ReuseRequestNoCache},
	{"unreachable, client insists, ignored", Cache{IgnoreRequest: true}, minute, 61, "no-cache", Unreachable, UseStale, rule.ReuseDisconnected},
	{"unreachable, client reloads", Cache{}, minute, 61, "max-age=0", Unreachable, Validate, rule.ReuseRequestMaxAge},
	{"unreachable, client reloads what is fresh", Cache{}, minute, 1, "max-age=0", Unreachable, Validate, rule.ReuseRequestMaxAge},
	{"unreachable, client wants it fresh", Cache{}, minute, 61, "min-fresh=5", Unreachable, Validate, rule.ReuseRequestMinFresh},
	{"unreachable, client wants it fresh now", Cache{}, minute, 60, "min-fresh=0", Unreachable, Validate, rule.ReuseStale},
	{"unreachable, client wants it less stale", Cache{}, minute, 70, "max-stale=5", Unreachable, Validate, rule.ReuseStale},
	{"unreachable, client takes its age but nothing stale", Cache{}, minute, 70, "max-age=100", Unreachable, Validate, rule.ReuseStale},
	{"unreachable, client takes anything", Cache{Disconnected: -1}, minute, 61, "max-stale", Unreachable, UseStale, rule.ReuseRequestMaxStale},
	{"unreachable, fresh", Cache{}, minute, 59, "", Unreachable, Use, rule.ReuseFresh},
	{"unreachable, fresh, must-revalidate", Cache{}, minute + ", must-revalidate", 59, "", Unreachable, Use, rule.ReuseFresh},

	{"error", Cache{}, minute, 61, "", ServerError, Validate, rule.FailureNoPermission},
	{"error, allowed", Cache{}, ifError, 90, "", ServerError, UseStale, rule.ReuseIfError},
	{"error, allowed, over", Cache{}, ifError, 91, "", ServerError, Validate, rule.FailureTooStale},
	{"error, allowed, own cap", Cache{MaxStale: second}, ifError, 62, "", ServerError, Validate, rule.FailureTooStale},
	{"error, allowed, must-revalidate", Cache{}, ifError + ", must-revalidate", 61, "", ServerError, Validate, rule.ReuseMustRevalidate},
	{"error, client allows", Cache{}, minute, 90, "stale-if-error=30", ServerError, UseStale, rule.ReuseRequestIfError},
	{"error, client allows less", Cache{}, minute, 91, "stale-if-error=30", ServerError, Validate, rule.FailureNoPermission},
	{"error, client insists but on errors", Cache{}, minute, 61, "no-cache, stale-if-error=30", ServerError, UseStale, rule.ReuseRequestIfError},
	{"error, client insists but on errors, fresh", Cache{}, minute, 1, "no-cache, stale-if-error=30", ServerError, Use, rule.ReuseRequestIfError},
	{"unreachable, allowed", Cache{Disconnected: -1}, ifError, 90, "", Unreachable, UseStale, rule.ReuseIfError},
}

func TestOnFailure(t *testing.T) {
	for _, tt := range failureCases {
		terms, now := aged(tt.answer, tt.age)
		d := NoDirectives()
		if tt.request != "" {
			d = ParseDirectives([]string{tt.request}, nil)
		}
		got := tt.cache.OnFailure(&terms, &d, tt.failure, now)
		if got != (Reuse{tt.verdict, tt.rule}) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, got.Verdict, got.Rule, tt.verdict, tt.rule)
		}
	}
}

func TestParseDirectives(t *testing.T) {
	none := NoDirectives()
	with := func(f func(*Directives)) Directives {
		d := none
		f(&d)
		return d
	}
	for _, tt := range []struct {
		cacheControl, pragma []string
		want                 Directives
	}{
		{nil, nil, none},
		{nil, []string{"no-cache"}, with(func(d *Directives) { d.NoCache = true })},
		{nil, []string{"foo", "x, No-Cache"}, with(func(d *Directives) { d.NoCache = true })},
		{nil, []string{"foo"}, none},
		{[]string{""}, []string{"no-cache"}, none}, // RFC 9111 §5.4
		{[]string{"no-store, NO-CACHE", "only-if-cached"}, nil, with(func(d *Directives) { d.NoStore, d.NoCache, d.OnlyIfCached = true, true, true })},
		{[]string{"max-age=5, min-fresh=6, max-stale=7, stale-if-error=8"}, nil, with(func(d *Directives) {
			d.MaxAge, d.MinFresh, d.MaxStale, d.IfError = 5*second, 6*second, 7*second, 8*second
		})},
		{[]string{`max-age="5"`}, nil, with(func(d *Directives) { d.MaxAge = 5 * second })},
		{[]string{"max-age=5, max-age=3, max-age=4"}, nil, with(func(d *Directives) { d.MaxAge = 3 * second })},
		{[]string{"min-fresh=5, min-fresh=7, min-fresh=6"}, nil, with(func(d *Directives) { d.MinFresh = 7 * second })},
		{[]string{"max-stale, max-stale=3"}, nil, with(func(d *Directives) { d.MaxStale = 3 * second })},
		{[]string{"max-stale"}, nil, with(func(d *Directives) { d.MaxStale = math.MaxInt64 })},
		{[]string{"max-stale=x, min-fresh=, stale-if-error=-1"}, nil, none},
		{[]string{"max-age=x"}, nil, with(func(d *Directives) { d.MaxAge = 0 })},
		{[]string{"max-age=" + absurd}, nil, with(func(d *Directives) { d.MaxAge = maxSeconds * second })},
		{[]string{`x="no-store, max-age=0"`}, nil, none},
	} {
		if got := ParseDirectives(tt.cacheControl, tt.pragma); got != tt.want {
			t.Errorf("%q, %q: %+v, want %+v", tt.cacheControl, tt.pragma, got, tt.want)
		}
	}
}
