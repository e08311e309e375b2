package wire

import (
	"strings"
	"testing"

	"freshet/internal/alloctest"
)

// The heads that allocation tests and benchmarks parse.
const (
	bareHead    = "GET /1k.txt HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
	browserHead = "GET /assets/app.css?v=12 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
		"Accept: text/css,*/*;q=0.1\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" +
		"Referer: https://www.example.com/articles/2026/a-walk-along-the-river.html\r\nCookie: session=8c1f7a52e9; theme=dark; seen=1\r\n" +
		"If-None-Match: \"5f3c2a10b7e94d21\"\r\nSec-Fetch-Dest: style\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\n\r\n"
	chunkedBody = "400\r\n%\r\n10;a=b\r\n0123456789abcdef\r\n0\r\n\r\n"
)

func TestAllocations(t *testing.T) {
	var l Limits
	var h Head
	var d Chunked
	body := []byte(strings.Replace(chunkedBody, "%", strings.Repeat("x", 1024), 1))
	post := []byte("POST http://[::1]:80/ HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nConnection: close, te\r\nExpect: 100-continue\r\n\r\n")
	bad := []byte("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")
	bare, browser := []byte(bareHead), []byte(browserHead)
	answer := []byte("HTTP/1.1 200 OK\r\nDate: x\r\nETag: \"a\"\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n")
	var rh ResponseHead
	dst := make([]byte, 0, 64)
	for _, c := range []struct {
		name string
		f    func() bool
	}{
		{"bare head", func() bool { n, _ := l.ParseRequest(bare, &h); return n == len(bareHead) }},
		{"browser head", func() bool { n, _ := l.ParseRequest(browser, &h); return n == len(browserHead) }},
		{"post", func() bool { n, _ := l.ParseRequest(post, &h); return n == len(post) }},
		{"refused", func() bool { _, broken := l.ParseRequest(bad, &h); return broken != 0 }},
		{"chunked", func() bool {
			d.Reset()
			for src := body; ; {
				_, n, done, broken := d.Decode(src)
				if src = src[n:]; done || broken != 0 || n == 0 {
					return done
				}
			}
		}},
		{"response", func() bool { n, _ := l.ParseResponse(answer, &rh); return n == len(answer) }},
		{"chunk head", func() bool { return len(AppendChunkHead(dst, 12345)) > 0 }},
		{"status line", func() bool { return len(AppendStatusLine(dst, 304)) > 0 && len(AppendStatusLine(dst, 299)) > 0 }},
		{"known name", func() bool { return CanonicalName("if-none-match") == "If-None-Match" }},
		{"canonical name", func() bool { return CanonicalName("X-Request-Id") == "X-Request-Id" }},
		{"target", func() bool { return ValidTarget("GET", "http://h:1/a?b") }},
		{"value", func() bool { return ValidFieldValue("text/html; charset=utf-8") }},
	} {
		ok := true
		if n := alloctest.PerRun(100, func() { ok = c.f() && ok }); n != 0 || !ok {
			t.Errorf("%s: %v allocations, ok %v", c.name, n, ok)
		}
	}
}

func benchmarkParse(b *testing.B, head string) {
	var l Limits
	var h Head
	buf := []byte(head)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if n, _ := l.ParseRequest(buf, &h); n != len(buf) {
			b.Fatal(n)
		}
	}
}

func BenchmarkParseBare(b *testing.B)    { benchmarkParse(b, bareHead) }
func BenchmarkParseBrowser(b *testing.B) { benchmarkParse(b, browserHead) }

// A head of 16 KiB that arrives octet by octet must not cost its square.
func BenchmarkParseByOctets(b *testing.B) {
	var l Limits
	var h Head
	buf := []byte("GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("Cookie: "+strings.Repeat("a=b; ", 50)+"\r\n", 60) + "\r\n")
	for b.Loop() {
		for i := range buf {
			if n, broken := l.ParseRequest(buf[:i], &h); n != 0 || broken != 0 {
				b.Fatal(n, broken)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(buf)), "ns/octet")
}

func BenchmarkChunked(b *testing.B) {
	var d Chunked
	body := []byte(strings.Replace(chunkedBody, "%", strings.Repeat("x", 1024), 1))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		for src, done := body, false; !done; {
			var n int
			_, n, done, _ = d.Decode(src)
			src = src[n:]
		}
	}
}

func BenchmarkLookupKnown(b *testing.B) {
	for b.Loop() {
		if LookupKnown("User-Agent") != UserAgent || LookupKnown("if-none-match") != IfNoneMatch || LookupKnown("X-Other") != None {
			b.Fatal("wrong field")
		}
	}
}
