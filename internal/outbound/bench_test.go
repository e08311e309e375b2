package outbound

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

const benchAnswer = "HTTP/1.1 200 OK\r\nServer: raw\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html\r\n" +
	"Cache-Control: max-age=60\r\nETag: \"abc\"\r\nContent-Length: 13\r\n\r\nHello, world!"

// rawOrigin answers whatever comes with one text, with as little work as can be.
func rawOrigin(b testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				buf := make([]byte, 4096)
				answer := []byte(benchAnswer)
				for {
					if _, err := nc.Read(buf); err != nil {
						return
					}
					if _, err := nc.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/a/b?c=d"
}

func benchmarkRoundTrip(b *testing.B, rt http.RoundTripper, ctx context.Context) {
	req, _ := http.NewRequestWithContext(ctx, "GET", rawOrigin(b), nil)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("User-Agent", "bench")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Via", "1.1 bench")
	b.ReportAllocs()
	for b.Loop() {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 13 || err != nil {
			b.Fatal(n, err)
		}
		resp.Body.Close()
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	tr := &Transport{}
	defer tr.CloseIdleConnections()
	benchmarkRoundTrip(b, tr, context.Background())
}

func BenchmarkRoundTripCancellable(b *testing.B) {
	tr := &Transport{}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	benchmarkRoundTrip(b, tr, ctx)
}

func BenchmarkRoundTripNetHTTP(b *testing.B) {
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	benchmarkRoundTrip(b, tr, context.Background())
}
