package freshness

import (
	"math"
	"testing"

	"freshet/internal/rule"
)

const absurd = "99999999999999999999999"

const most = maxSeconds

// lifetimeCases are answers that arrive at t0, their lifetimes, and where these
// are from.
var lifetimeCases = []struct {
	name    string
	private bool
	answer  string
	seconds int64
	from    rule.ID
}{
	{"nothing", false, "", 0, rule.FreshNone},
	{"max-age", false, "Cache-Control: max-age=3600", 3600, rule.FreshByMaxAge},
	{"names are caseless", false, "Cache-Control: MaX-aGe=3600", 3600, rule.FreshByMaxAge},
	{"unknown directives", false, "Cache-Control: foobar, x=y, , max-age=3600,", 3600, rule.FreshByMaxAge},
	{"leading zeros", false, "Cache-Control: max-age=003600", 3600, rule.FreshByMaxAge},
	{"31 bits", false, "Cache-Control: max-age=2147483647", 2147483647, rule.FreshByMaxAge},
	{"32 bits", false, "Cache-Control: max-age=2147483648", most, rule.FreshByMaxAge},
	{"more", false, "Cache-Control: max-age=99999999999", most, rule.FreshByMaxAge},
	{"absurd", false, "Cache-Control: max-age=" + absurd, most, rule.FreshByMaxAge},
	{"quoted", false, `Cache-Control: max-age="3600"`, 3600, rule.FreshByMaxAge},
	{"quoted with backslashes", false, `Cache-Control: max-age="3\600"`, 3600, rule.FreshByMaxAge},
	{"single quotes", false, "Cache-Control: max-age='3600'", 0, rule.FreshByMaxAge},
	{"negative", false, "Cache-Control: max-age=-3600", 0, rule.FreshByMaxAge},
	{"fraction", false, "Cache-Control: max-age=3600.0", 0, rule.FreshByMaxAge},
	{"letters", false, "Cache-Control: max-age=3600a", 0, rule.FreshByMaxAge},
	{"empty", false, "Cache-Control: max-age=", 0, rule.FreshByMaxAge},
	{"no argument", false, "Cache-Control: max-age", 0, rule.FreshByMaxAge},
	{"space before =", false, "Cache-Control: max-age =3600", 0, rule.FreshNone},
	{"space behind =", false, "Cache-Control: max-age= 3600", 0, rule.FreshByMaxAge},
	{"in a string", false, `Cache-Control: extension="max-age=3600", max-age=1`, 1, rule.FreshByMaxAge},
	{"in a string, behind", false, `Cache-Control: max-age=1, extension="a, max-age=3600"`, 1, rule.FreshByMaxAge},
	{"the first counts", false, "Cache-Control: max-age=1800, max-age=1", 1800, rule.FreshByMaxAge},
	{"of two lines too", false, "Cache-Control: max-age=1|Cache-Control: max-age=1800", 1, rule.FreshByMaxAge},
	{"even if malformed", false, "Cache-Control: max-age=x, max-age=1800", 0, rule.FreshByMaxAge},
	{"lines are one list", false, "Cache-Control: public|Cache-Control: max-age=5", 5, rule.FreshByMaxAge},

	{"s-maxage is first", false, "Cache-Control: max-age=1, s-maxage=3600", 3600, rule.FreshBySMaxAge},
	{"s-maxage, shorter", false, "Cache-Control: s-maxage=1|Cache-Control: max-age=3600", 1, rule.FreshBySMaxAge},
	{"s-maxage is not for private caches", true, "Cache-Control: max-age=1, s-maxage=3600", 1, rule.FreshByMaxAge},
	{"s-maxage alone, private cache", true, "Cache-Control: s-maxage=3600", 0, rule.FreshNone},
	{"s-maxage, malformed", false, "Cache-Control: max-age=60, s-maxage=x", 0, rule.FreshBySMaxAge},

	{"expires", false, "Expires: " + date(60) + "|Date: " + date(0), 60, rule.FreshByExpires},
	{"expires without date", false, "Expires: " + date(60), 60, rule.FreshByExpires},
	{"expires with a bad date", false, "Expires: " + date(60) + "|Date: foo", 60, rule.FreshByExpires},
	{"expires less date, both in the future", false, "Expires: " + date(6000) + "|Date: " + date(5000), 1000, rule.FreshByExpires},
	{"expires less date, both in the past", false, "Expires: " + date(-5000) + "|Date: " + date(-6000), 1000, rule.FreshByExpires},
	{"expires is date", false, "Expires: " + date(0) + "|Date: " + date(0), 0, rule.FreshByExpires},
	{"expires in the past", false, "Expires: " + date(-60) + "|Date: " + date(0), 0, rule.FreshByExpires},
	{"expires: 0", false, "Expires: 0", 0, rule.FreshByExpires},
	{"expires: empty", false, "Expires:", 0, rule.FreshByExpires},
	{"expires twice", false, "Expires: " + date(60) + "|Expires: " + date(60), 0, rule.FreshByExpires},
	{"expires in another case", false, "Expires: fri, 06 nov 2026 21:21:00 gmt", 60, rule.FreshByExpires},
	{"expires by RFC 850", false, "Expires: Friday, 06-Nov-26 21:21:00 GMT", 60, rule.FreshByExpires},
	{"expires by asctime, on a wrong day", false, "Expires: Thu Nov  6 21:21:00 2026", 60, rule.FreshByExpires},
	{"expires in 2286", false, "Expires: Sun, 21 Nov 2286 04:46:39 GMT|Date: " + date(0), most, rule.FreshByExpires},
	{"expires in 9999, without date", false, "Expires: Fri, 31 Dec 9999 23:59:59 GMT", most, rule.FreshByExpires},
	{"expires in 0000, without date", false, "Expires: Sat, 01 Jan 0000 00:00:00 GMT", 0, rule.FreshByExpires},
	{"max-age before expires", false, "Cache-Control: max-age=5|Expires: " + date(60), 5, rule.FreshByMaxAge},
	{"no guess beside a bad expires", false, "Expires: 0|Last-Modified: " + date(-100), 0, rule.FreshByExpires},

	{"a tenth", false, "Last-Modified: " + date(-1000), 100, rule.FreshHeuristic},
	{"a tenth before date", false, "Last-Modified: " + date(-2000) + "|Date: " + date(-1000), 100, rule.FreshHeuristic},
	{"a day at most", false, "Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT", 86400, rule.FreshHeuristic},
	{"of the year 0000", false, "Last-Modified: Sat, 01 Jan 0000 00:00:00 GMT", 86400, rule.FreshHeuristic},
	{"modified in the future", false, "Last-Modified: " + date(60), 0, rule.FreshNone},
	{"modified at no time", false, "Last-Modified: yesterday", 0, rule.FreshNone},

	{"targeted", false, "CDN-Cache-Control: max-age=60|Cache-Control: max-age=1|Expires: 0", 60, rule.FreshByTarget},
	{"targeted, shared", false, "CDN-Cache-Control: max-age=1, s-maxage=60", 60, rule.FreshByTarget},
	{"targeted, clamped", false, "CDN-Cache-Control: max-age=99999999999", most, rule.FreshByTarget},
	{"targeted, negative", false, "CDN-Cache-Control: max-age=-5|Cache-Control: max-age=60", 0, rule.FreshByTarget},
	{"targeted, zero", false, "CDN-Cache-Control: max-age=0|Expires: " + date(60), 0, rule.FreshByTarget},
	{"targeted, with parameters", false, "CDN-Cache-Control: foobar, max-age=60;x=1", 60, rule.FreshByTarget},
	{"targeted, the last of two", false, "CDN-Cache-Control: max-age=1|CDN-Cache-Control: max-age=60", 60, rule.FreshByTarget},
	{"targeted, without a lifetime", false, "CDN-Cache-Control: public|Cache-Control: max-age=60|Expires: " + date(60), 0, rule.FreshNone},
	{"targeted, guessed", false, "CDN-Cache-Control: public|Expires: 0|Last-Modified: " + date(-100), 10, rule.FreshHeuristic},
	{"targeted, decimal", false, "CDN-Cache-Control: max-age=60.0|Cache-Control: max-age=5", 0, rule.FreshNone},
	{"targeted, malformed", false, "CDN-Cache-Control: max-age=60,|Cache-Control: max-age=5", 5, rule.FreshByMaxAge},
	{"targeted, in capitals", false, "CDN-Cache-Control: MaX-aGe=60|Cache-Control: max-age=5", 5, rule.FreshByMaxAge},
	{"targeted, spaced", false, "CDN-Cache-Control: max-age =60|Cache-Control: max-age=5", 5, rule.FreshByMaxAge},
	{"targeted, empty", false, "CDN-Cache-Control:|Cache-Control: max-age=5", 5, rule.FreshByMaxAge},
	{"the first target", false, "CDN-Cache-Control: max-age=60|Freshet-Cache-Control: max-age=5", 5, rule.FreshByTarget},
	{"the first target that can be read", false, "CDN-Cache-Control: max-age=60|Freshet-Cache-Control: max-age=", 60, rule.FreshByTarget},
	{"a private cache is no target", true, "CDN-Cache-Control: max-age=60|Cache-Control: max-age=5", 5, rule.FreshByMaxAge},
}

func TestLifetime(t *testing.T) {
	for _, tt := range lifetimeCases {
		c := Cache{Private: tt.private}
		terms := c.Terms(&Response{Status: 200, Fields: fields(tt.answer), Received: t0})
		if terms.Lifetime != tt.seconds*second || terms.From != tt.from || terms.Heuristic != (tt.from == rule.FreshHeuristic) {
			t.Errorf("%s: %d s by %s, want %d s by %s", tt.name, terms.Lifetime/second, terms.From, tt.seconds, tt.from)
		}
	}
}

// TestPolicy: what else Cache-Control, and a targeted field, say.
func TestPolicy(t *testing.T) {
	for answer, want := range map[string]Terms{
		"Cache-Control: no-cache":                        {NoCache: true, WhileRevalidate: -1, IfError: -1},
		"Cache-Control: must-revalidate":                 {MustRevalidate: true, WhileRevalidate: -1, IfError: -1},
		"Cache-Control: proxy-revalidate":                {MustRevalidate: true, WhileRevalidate: -1, IfError: -1},
		"Cache-Control: immutable":                       {Immutable: true, WhileRevalidate: -1, IfError: -1},
		"Cache-Control: stale-while-revalidate=5":        {WhileRevalidate: 5 * second, IfError: -1},
		"Cache-Control: stale-while-revalidate=x":        {WhileRevalidate: 0, IfError: -1},
		"Cache-Control: stale-if-error=5":                {WhileRevalidate: -1, IfError: 5 * second},
		"CDN-Cache-Control: no-cache":                    {NoCache: true, WhileRevalidate: -1, IfError: -1},
		"CDN-Cache-Control: no-cache=?0, immutable=?0":   {WhileRevalidate: -1, IfError: -1},
		"CDN-Cache-Control: no-cache=1, immutable=(a)":   {WhileRevalidate: -1, IfError: -1},
		"CDN-Cache-Control: immutable, must-revalidate":  {Immutable: true, MustRevalidate: true, WhileRevalidate: -1, IfError: -1},
		"CDN-Cache-Control: stale-while-revalidate=5":    {WhileRevalidate: 5 * second, IfError: -1},
		`CDN-Cache-Control: stale-if-error="5"`:          {WhileRevalidate: -1, IfError: -1},
		"CDN-Cache-Control: stale-if-error=5|Pragma: no": {WhileRevalidate: -1, IfError: 5 * second},
		"Pragma: no-cache":                               {WhileRevalidate: -1, IfError: -1},
	} {
		var c Cache
		got := c.Terms(&Response{Status: 200, Fields: fields(answer), Received: t0})
		want.Received, want.From = t0, rule.FreshNone
		if got != want {
			t.Errorf("%s: %+v, want %+v", answer, got, want)
		}
	}
	c := Cache{Private: true}
	for answer, want := range map[string]bool{"proxy-revalidate": false, "s-maxage=1": false, "must-revalidate": true} {
		if got := c.Terms(&Response{Status: 200, Fields: fields("Cache-Control: " + answer)}).MustRevalidate; got != want {
			t.Errorf("%s in a private cache: %v", answer, got)
		}
	}
}

func TestHeuristicOptions(t *testing.T) {
	for _, tt := range []struct {
		c    Cache
		want int64
	}{
		{Cache{}, 100},
		{Cache{HeuristicPercent: 50}, 500},
		{Cache{HeuristicPercent: 100}, 1000},
		{Cache{HeuristicPercent: math.MaxInt}, 1000},
		{Cache{HeuristicPercent: -1}, 0},
		{Cache{MaxHeuristic: 7 * second}, 7},
		{Cache{MaxHeuristic: -1}, 0},
	} {
		got := tt.c.Terms(&Response{Status: 200, Fields: fields("Last-Modified: " + date(-1000)), Received: t0})
		if got.Lifetime != tt.want*second {
			t.Errorf("%+v: %d s, want %d s", tt.c, got.Lifetime/second, tt.want)
		}
	}
	c := Cache{Targets: []string{"x-Cache-control"}}
	if got := c.Terms(&Response{Fields: fields("X-Cache-Control: max-age=9|CDN-Cache-Control: max-age=5")}); got.Lifetime != 9*second {
		t.Errorf("own target: %d", got.Lifetime)
	}
	c.Targets = []string{}
	if got := c.Terms(&Response{Fields: fields("X-Cache-Control: max-age=9|CDN-Cache-Control: max-age=5|Cache-Control: max-age=7")}); got.Lifetime != 7*second {
		t.Errorf("no targets: %d", got.Lifetime)
	}
}

// TestAge is RFC 9111 §4.2.3 and §5.1.
func TestAge(t *testing.T) {
	const later = 3*second + second/2
	for _, tt := range []struct {
		name      string
		answer    string
		requested int64
		initial   int64 // nanoseconds
	}{
		{"nothing", "", t0, 0},
		{"delay", "", t0 - 2*second, 2 * second},
		{"delay not known", "", 0, 0},
		{"a clock that went back meanwhile", "", t0 + second, 0},
		{"date", "Date: " + date(-30), t0, 30 * second},
		{"date in the future", "Date: " + date(30), t0, 0},
		{"date, malformed", "Date: foo", t0, 0},
		{"date of the year 0000", "Date: Sat, 01 Jan 0000 00:00:00 GMT", t0, maxSeconds * second},
		{"date of the year 9999", "Date: Fri, 31 Dec 9999 23:59:59 GMT", t0, 0},
		{"age", "Age: 30", t0, 30 * second},
		{"age and delay", "Age: 30|Date: " + date(0), t0 - second, 31 * second},
		{"the larger of age and date", "Age: 30|Date: " + date(-40), t0 - second, 40 * second},
		{"age, first of a list", "Age: 7200, 0", t0, 7200 * second},
		{"age, first of a list, reversed", "Age: 0, 7200", t0, 0},
		{"age, first of two lines", "Age: 7200|Age: 0", t0, 7200 * second},
		{"age, first of two lines, reversed", "Age: 0|Age: 7200", t0, 0},
		{"age, spaces", "Age: \t7 \t,x", t0, 7 * second},
		{"age, letters", "Age: abc", t0, 0},
		{"age, negative", "Age: -7200", t0, 0},
		{"age, fraction", "Age: 7200.0", t0, 0},
		{"age, parameter", "Age: 7200;foo=bar", t0, 0},
		{"age, empty", "Age: ", t0, 0},
		{"age, 31 bits", "Age: 2147483647", t0, 2147483647 * second},
		{"age, more", "Age: " + absurd, t0 - second, maxSeconds * second},
	} {
		var c Cache
		terms := c.Terms(&Response{Status: 200, Fields: fields(tt.answer), Requested: tt.requested, Received: t0})
		if terms.InitialAge != tt.initial {
			t.Errorf("%s: %d ns, want %d ns", tt.name, terms.InitialAge, tt.initial)
		}
		if got := terms.Age(t0 + later); got != tt.initial+later {
			t.Errorf("%s: later %d ns", tt.name, got)
		}
		if got := terms.Age(t0 - later); got != tt.initial {
			t.Errorf("%s: to a clock that went back %d ns", tt.name, got)
		}
		if got := terms.TTL(t0 + later); got != -tt.initial-later {
			t.Errorf("%s: TTL %d ns", tt.name, got)
		}
	}
	// The part of a second since Date counts.
	var c Cache
	if got := c.Terms(&Response{Fields: fields("Date: " + t0Date), Received: t0 + second/4}).InitialAge; got != second/4 {
		t.Errorf("a quarter of a second: %d ns", got)
	}
}

// TestExtremes: no times overflow.
func TestExtremes(t *testing.T) {
	for _, received := range []int64{math.MinInt64, -1, 0, t0, math.MaxInt64} {
		for _, requested := range []int64{math.MinInt64, 0, math.MaxInt64} {
			for _, answer := range []string{
				"", "Age: " + absurd + "|Cache-Control: max-age=" + absurd, "Expires: Fri, 31 Dec 9999 23:59:59 GMT",
				"Date: Fri, 31 Dec 9999 23:59:59 GMT|Expires: Sat, 01 Jan 0000 00:00:00 GMT",
				"Last-Modified: Sat, 01 Jan 0000 00:00:00 GMT", "Date: Friday, 31-Dec-99 23:59:59 GMT",
			} {
				c := Cache{HeuristicPercent: math.MaxInt, MaxHeuristic: math.MaxInt64}
				terms := c.Terms(&Response{Status: 200, Fields: fields(answer), Requested: requested, Received: received})
				if terms.Lifetime < 0 || terms.Lifetime > maxSeconds*second || terms.InitialAge < 0 || terms.InitialAge > maxSeconds*second {
					t.Errorf("%d, %d, %s: %+v", received, requested, answer, terms)
				}
				for _, now := range []int64{math.MinInt64, 0, t0, math.MaxInt64} {
					if age := terms.Age(now); age < terms.InitialAge || terms.TTL(now) > terms.Lifetime {
						t.Errorf("%d, %d, %s: age %d at %d, TTL %d", received, requested, answer, age, now, terms.TTL(now))
					}
				}
			}
		}
	}
}
