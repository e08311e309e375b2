//go:build !nonats

package bus

import (
	"context"
	"fmt"
	"testing"

	"freshet/internal/atrest"
)

// BenchmarkAppend appends one entry after the other, each synced to the disk.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{200, 4096, 65536} {
		b.Run(fmt.Sprint("plain/", size), func(b *testing.B) { benchAppend(b, size, nil) })
		b.Run(fmt.Sprint("sealed/", size), func(b *testing.B) { benchAppend(b, size, sealRing(b, "k1")) })
	}
}

func benchAppend(b *testing.B, size int, ring *atrest.Ring) {
	s, err := Start(Options{Dir: b.TempDir(), MaxStore: 8 << 30, Seal: ring})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c, err := s.Connect("a")
	if err != nil {
		b.Fatal(err)
	}
	l, err := c.Log(b.Context(), "jobs", LogOptions{})
	if err != nil {
		b.Fatal(err)
	}
	entry, last := make([]byte, size), uint64(0)
	b.SetBytes(int64(size))
	for b.Loop() {
		if last, err = l.Append(b.Context(), last, entry); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCall asks and is answered, inside the process and through the door.
func BenchmarkCall(b *testing.B) {
	s, err := Start(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	server, err := s.Connect("server")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := server.Serve("jobs.echo", func(_ context.Context, r Request) ([]byte, error) { return r.Payload, nil }); err != nil {
		b.Fatal(err)
	}
	local, err := s.Connect("local")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Open(Listen{Addr: "127.0.0.1:0"}); err != nil {
		b.Fatal(err)
	}
	text, err := s.Token(TokenOptions{Name: "worker"})
	if err != nil {
		b.Fatal(err)
	}
	worker, err := Join(b.Context(), text, JoinOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer worker.Close()
	for name, c := range map[string]*Conn{"inside": local, "door": worker} {
		b.Run(name, func(b *testing.B) {
			payload := make([]byte, 300)
			for b.Loop() {
				if _, err := c.Call(b.Context(), "jobs.echo", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkContents seals an entry, and opens it, without a server.
func BenchmarkContents(b *testing.B) {
	keys, err := newRecord().keys()
	if err != nil {
		b.Fatal(err)
	}
	c := &Conn{seal: sealRing(b, "k1"), secrets: atrest.NewRing(func() *atrest.Keys { return keys })}
	s := &content{c: c, stream: "log_jobs", from: 1}
	for _, size := range []int{200, 4096, 65536} {
		entry := make([]byte, size)
		sealed, err := s.pack(entry, entryWhat(s.stream, 7))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint("seal/", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.pack(entry, entryWhat(s.stream, 7)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint("open/", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.open(b.Context(), 7, sealed, entryWhat(s.stream, 7)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
