package fleet

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"freshet/internal/bus"
	"freshet/internal/bustest"
)

// A standby that knows of no hub but the one that is gone asks over the cluster
// where the others are, and becomes a member of one that has come since.
func TestStandbyAsksWhere(t *testing.T) {
	beside(t)
	url := bustest.Server(t)
	hub := func(name string, lease time.Duration) Options {
		return Options{Name: name, NATS: &NATS{URL: url}, lease: lease, reports: time.Hour} // its first report is its only one
	}
	one, _ := candidateOf(t, hub("one", 0))
	candidateOf(t, hub("two", time.Hour)) // so that it waits longer than the third one, and never leads
	until(t, "the second hub has reported itself to the first", func() bool {
		list, err := one.Servers(t.Context())
		return err == nil && len(list) == 2 && list[1].Name == "two" && !list[1].Seen.IsZero()
	})
	three, _ := candidateOf(t, hub("three", 0))
	until(t, "the first one is cut off", func() bool {
		if n, _ := one.now(); n != nil {
			one.o.cluster.Close() // nothing is given back
			return false
		}
		return true
	})
	one.stop()
	until(t, "the third hub leads, and the second one is its member", func() bool {
		return three.leadsNow() && slices.ContainsFunc(three.Invited(), func(n bus.Node) bool { return n.Name == "two" && n.Conns > 0 })
	})
}

// What a standby keeps of the files that jobs come with is sealed by its keys.
func TestStandbySealsInputs(t *testing.T) {
	url := bustest.Server(t)
	one, _ := candidateOf(t, Options{Name: "one", NATS: &NATS{URL: url}})
	dir := t.TempDir()
	_, cache := candidateOf(t, Options{Name: "two", NATS: &NATS{URL: url}, Dir: dir, Ring: ringOf("a")})
	until(t, "the second hub is a member", func() bool { return one.leadsNow() && !cache.isHeld() })
	until(t, "its folder of files is a sealed one", func() bool {
		found := false
		err := filepath.WalkDir(filepath.Join(dir, "fetched"), func(path string, d os.DirEntry, err error) error {
			found = found || err == nil && d.Name() == "sealed" && d.Type().IsRegular()
			return err
		})
		return err == nil && found
	})
}
