//go:build !nonats

package bus

import (
	"errors"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/atrest"
)

// TestContentsFirstRecord: of what was sealed from the beginning, the first record that
// there was, put back, does not let anything plain in.
func TestContentsFirstRecord(t *testing.T) {
	f := newFleetStore(t)
	c := f.by("k1")
	openLog(t, c, "fleet") // makes the record
	first := f.raw(secretsStream, 1).Data
	l := openLog(t, c, "jobs")
	mustAppend(t, l, 0, "sealed")
	if err := l.PutPage(limited(t), "a", []byte("page")); err != nil {
		t.Fatal(err)
	}
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustPutObject(t, o, "a", []byte("content"))
	f.publish(secretsSubject, first)
	f.publish("freshet.page.jobs.b", []byte("forged"))
	f.publish(labelOn("b"), []byte(`{"name":"b","bucket":"files","nuid":"x","size":0,"digest":"SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="}`))
	again := f.by("k1")
	err = openLog(t, again, "jobs").Pages(limited(t), func(key string, page []byte) error {
		if string(page) == "forged" {
			t.Errorf("a plain page is taken")
		}
		return nil
	})
	if !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	o, err = again.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Keys(limited(t), func(key string, _ int64) error {
		if key == "b" {
			t.Error("a plain object is taken")
		}
		return nil
	}); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// TestContentsRecordLost has the record be removed, or replaced, while somebody who has
// read it goes on: it is written again, and another one is not taken.
func TestContentsRecordLost(t *testing.T) {
	other := newFleetStore(t) // another fleet, with the same keys
	openLog(t, other.by("k1"), "jobs")
	for _, a := range []struct {
		name string
		do   func(f *fleetStore, old []byte)
		want error
	}{
		{"removed", func(f *fleetStore, _ []byte) {
			f.remove(secretsStream, f.stream(secretsStream).CachedInfo().State.LastSeq)
		}, nil},
		{"removed with its stream, and all that was sealed", func(f *fleetStore, _ []byte) {
			for _, stream := range []string{secretsStream, "log_jobs", "page_jobs"} {
				if err := f.c.js.DeleteStream(limited(t), stream); err != nil {
					t.Fatal(err)
				}
			}
		}, nil},
		{"an older one", func(f *fleetStore, old []byte) { f.publish(secretsSubject, old) }, nil},
		{"another fleet's", func(f *fleetStore, _ []byte) { f.publish(secretsSubject, other.raw(secretsStream, 1).Data) }, ErrDamaged},
	} {
		t.Run(a.name, func(t *testing.T) {
			f := newFleetStore(t)
			mustAppend(t, openLog(t, f.by(), "jobs"), 0, "plain")
			c := f.by("k1")
			l := openLog(t, c, "jobs")
			old := f.raw(secretsStream, 1).Data
			mustAppend(t, l, 1, "sealed")
			if err := l.Trim(limited(t), 1); err != nil {
				t.Fatal(err)
			}
			if plain, err := l.Reseal(limited(t)); plain != 0 || err != nil {
				t.Fatalf("%d, %v", plain, err)
			}
			secret := c.secrets.First()
			a.do(f, old)
			for range 2 {
				if _, err := c.Log(limited(t), "jobs", LogOptions{}); !errors.Is(err, a.want) {
					t.Errorf("%v; not %v", err, a.want)
				}
			}
			if is := c.secrets.First(); is != secret {
				t.Errorf("the secret is %s, and was %s", is, secret)
			}
			if a.want != nil {
				return
			}
			again := f.by("k1")
			openLog(t, again, "jobs")
			if is := again.secrets.First(); is != secret || again.record.from("log_jobs") != 1 || again.record.from("page_jobs") != 1 {
				t.Errorf("another finds the secret %s, which was %s: %v", is, secret, again.record.Streams)
			}
		})
	}
}

// TestContentsLatePage: who led without keys, and slept while another with keys came,
// leaves no plain page that everybody would be refused from then on.
func TestContentsLatePage(t *testing.T) {
	url := elsewhere(t, server.Options{}).ClientURL()
	by := func(name string, ring *atrest.Ring) *Log {
		t.Helper()
		c, err := Connect(limited(t), ConnectOptions{URL: url, Name: name, Seal: ring})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return openLog(t, c, "jobs")
	}
	slept := by("slept", nil)
	mustAppend(t, slept, 0, "plain")
	if err := slept.PutPage(limited(t), "in time", []byte("plain")); err != nil {
		t.Fatal(err)
	}
	l := by("keys", sealRing(t, "k1"))
	mustAppend(t, l, 1, "sealed")
	if _, err := l.Reseal(limited(t)); err != nil {
		t.Fatal(err)
	}
	if err := slept.PutPage(limited(t), "late", []byte("plain")); !errors.Is(err, ErrFenced) {
		t.Errorf("%v", err)
	}
	if got := pagesOf(t, by("next", sealRing(t, "k1"))); len(got) != 1 || got["in time"] != "plain" {
		t.Errorf("%q", got)
	}
}
