//go:build !nonats

package bus

import (
	"fmt"
	"testing"
)

// BenchmarkAppend appends one entry after the other, each synced to the disk.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{200, 4096, 65536} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, err := Start(Options{Dir: b.TempDir(), MaxStore: 8 << 30})
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
		})
	}
}
