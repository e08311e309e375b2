package worker

import (
	"sync"
	"testing"
)

// Workers that begin at the same time may take each other's folders for stale ones,
// and begin all the same.
func TestFoldersAtOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for range 20 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				b, err := openBase("", nil)
				if err != nil {
					t.Error(err)
					return
				}
				if err := b.close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
