package wiretest

import (
	"net"
	"sync"
	"testing"
)

// Connections plays a server whose connections a test answers by itself: play
// gets each that l accepts, on a goroutine of its own, and it is closed when
// play returns. At the end of the test listener and connections are closed, and
// every play has to return then.
func Connections(t testing.TB, l net.Listener, play func(net.Conn)) {
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				defer func() {
					c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
				}()
				play(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}
