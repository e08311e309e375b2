package check

import "testing"

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		response        string
		browser, shared string
	}{
		{
			"HTTP/1.1 200 OK\nCache-Control: max-age=3600\nETag: \"a\"\n",
			"browser: fresh for 1 h, then asks with If-None-Match",
			"shared caches: fresh for 1 h, then asks with If-None-Match",
		},
		{
			"HTTP/1.1 200 OK\nCache-Control: private, max-age=90\nLast-Modified: Tue, 01 Sep 2026 00:00:00 GMT\n",
			"browser: fresh for 1 min 30 s, then asks with If-Modified-Since",
			"shared caches: not stored: the answer is private, and this cache is shared (RFC 9111 §5.2.2.7)",
		},
		{
			"HTTP/1.1 200 OK\nCache-Control: no-cache\nETag: \"a\"\n",
			"browser: stored, but asks with If-None-Match before each use: the stored answer is to be validated before each use (RFC 9111 §5.2.2.4)",
			"shared caches: stored, but asks with If-None-Match before each use: the stored answer is to be validated before each use (RFC 9111 §5.2.2.4)",
		},
		{
			"HTTP/1.1 200 OK\nCache-Control: max-age=60, s-maxage=86400, stale-while-revalidate=30\n",
			"browser: fresh for 1 min, then used for 30 s more while it fetches it anew, then fetches it anew",
			"shared caches: fresh for 1 day, then fetches it anew",
		},
		{
			"HTTP/1.1 200 OK\nCache-Control: max-age=60, stale-if-error=86400\nETag: \"a\"\n",
			"browser: fresh for 1 min, then asks with If-None-Match; while the origin fails it is used for 1 day",
			"shared caches: fresh for 1 min, then asks with If-None-Match; while the origin fails it is used for 1 day",
		},
		{
			"HTTP/1.1 200 OK\nCache-Control: max-age=60, must-revalidate, stale-if-error=86400\nETag: \"a\"\n",
			"browser: fresh for 1 min, then asks with If-None-Match",
			"shared caches: fresh for 1 min, then asks with If-None-Match",
		},
		{
			"HTTP/1.1 200 OK\nCache-Control: max-age=60, stale-while-revalidate=100\nAge: 100\n",
			"browser: stored, but used for 1 min more while it fetches it anew, then fetches it anew: the stored answer may be used stale while it is validated (RFC 5861 §3)",
			"shared caches: stored, but used for 1 min more while it fetches it anew, then fetches it anew: the stored answer may be used stale while it is validated (RFC 5861 §3)",
		},
		{
			"HTTP/1.1 200 OK\nCache-Control: no-store\n",
			"browser: not stored: the answer has no-store (RFC 9111 §5.2.2.5)",
			"shared caches: not stored: the answer has no-store (RFC 9111 §5.2.2.5)",
		},
		{
			"HTTP/1.1 200 OK\nLast-Modified: Thu, 01 Oct 2026 02:00:00 GMT\n",
			"browser: fresh for 1 h by a guess, then asks with If-Modified-Since: the answer does not say how long it is fresh; it is taken for a part of the time since Last-Modified (RFC 9111 §4.2.2)",
			"shared caches: fresh for 1 h by a guess, then asks with If-Modified-Since: the answer does not say how long it is fresh; it is taken for a part of the time since Last-Modified (RFC 9111 §4.2.2)",
		},
		{
			"HTTP/1.1 200 OK\nETag: \"a\"\n",
			"browser: stored, but asks with If-None-Match before each use: nothing says how long the answer is fresh (RFC 9111 §4.2.1)",
			"shared caches: stored, but asks with If-None-Match before each use: nothing says how long the answer is fresh (RFC 9111 §4.2.1)",
		},
		{
			"HTTP/1.1 200 OK\nAge: 50\nCache-Control: max-age=60\n",
			"browser: fresh for 10 s, then fetches it anew",
			"shared caches: fresh for 10 s, then fetches it anew",
		},
	} {
		v := VerdictOf(mustExchange(t, Example{Response: c.response}))
		if got := v.Browser.String(); got != c.browser {
			t.Errorf("%q:\n got %s\nwant %s", c.response, got, c.browser)
		}
		if got := v.Shared.String(); got != c.shared {
			t.Errorf("%q:\n got %s\nwant %s", c.response, got, c.shared)
		}
	}
}

func TestSpanText(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "0 s", 59: "59 s", 60: "1 min", 3601: "1 h", 5400: "1 h 30 min", 86400: "1 day", 31536000: "365 days", 90061: "1 day 1 h",
	} {
		if got := spanText(seconds); got != want {
			t.Errorf("%d: %q, want %q", seconds, got, want)
		}
	}
}
