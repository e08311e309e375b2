//go:build !nonats

package bus

import (
	"errors"
	"testing"
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
