package outbound

import (
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind. As
// a child of a benchmark it is the origin.
func TestMain(m *testing.M) {
	if os.Getenv(originEnv) != "" {
		beOrigin()
		return
	}
	wiretest.Main(m)
}

const originEnv = "FRESHET_BENCH_ORIGIN"

// beOrigin serves until the other end of standard input is closed.
func beOrigin() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go answerRaw(l)
	io.Copy(io.Discard, os.Stdin)
}

const benchAnswer = "HTTP/1.1 200 OK\r\nServer: raw\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html\r\n" +
	"Cache-Control: max-age=60\r\nETag: \"abc\"\r\nContent-Length: 13\r\n\r\nHello, world!"

// answerRaw answers whatever comes with one text, with as little work as can be.
func answerRaw(l net.Listener) {
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
}

// rawOrigin starts answerRaw in this process.
func rawOrigin(t testing.TB) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go answerRaw(l)
	return "http://" + l.Addr().String() + "/a/b?c=d"
}
