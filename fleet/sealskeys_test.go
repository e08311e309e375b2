package fleet

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/bustest"
)

// TestSecretsGetKey has the file of keys change while a server leads, as when it is read
// again: the record of the fleet's secrets is sealed by the key that is the first one
// now, so that who leads next needs no other, and what is sealed by those secrets stays as it is.
func TestSecretsGetKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	url := bustest.Server(t)
	fits := func(keys ...string) error {
		c, err := bus.Connect(t.Context(), bus.ConnectOptions{URL: url, Name: "late", Seal: ringOf(keys...)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.KeysFit(t.Context())
	}
	var file atomic.Pointer[atrest.Keys]
	read := func(keys ...string) { file.Store(keysOf(keys...)) }
	read("a")
	o := hubsAt(url)("one")
	o.Ring, o.keys = atrest.NewRing(file.Load), time.Millisecond
	k, _ := candidateOf(t, o)
	until(t, "all is sealed", func() bool { is := sealingOf(t, k); return is != nil && is.All })
	if err := fits("b"); !errors.Is(err, atrest.ErrNoKey) {
		t.Fatalf("with another key: %v", err)
	}
	ids := filled(t, k, "late")
	read("b", "a")
	until(t, "the record is sealed by the other key", func() bool { return fits("b") == nil })
	if err := fits("a"); !errors.Is(err, atrest.ErrNoKey) {
		t.Errorf("with the key of before: %v", err)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	next, _ := candidateOf(t, hubsAt(url)("two", "b"))
	until(t, "the next one leads", next.leadsNow)
	if _, err := next.Queue().Job(t.Context(), ids[0]); err != nil {
		t.Errorf("what was sealed before: %v", err)
	}
}
