//go:build !nonats

package bus

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
)

// replacedStays puts an object twice, and has the label of the first one stay, as it
// does when a server is killed after it has stored a label, and before it has removed
// the one that it replaces.
func replacedStays(t *testing.T, c *Conn, o *Objects, key string, first, second []byte) {
	t.Helper()
	var labels [][]byte
	for _, content := range [][]byte{first, second} {
		mustPutObject(t, o, key, content)
		m, err := o.stream.GetLastMsgForSubject(limited(t), o.labelOf(key))
		if err != nil {
			t.Fatal(err)
		}
		labels = append(labels, m.Data)
	}
	for _, data := range labels {
		if _, err := c.js.PublishMsg(limited(t), &nats.Msg{Subject: o.labelOf(key), Data: data}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReplacedStays looks that a label that has been replaced, and is still there, does
// not come back, and that it is no plain one once all is sealed.
func TestReplacedStays(t *testing.T) {
	dir, ring := t.TempDir(), sealRing(t, "k1")
	s := legacy(t, dir, ring)
	c := connect(t, s, "a")
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"removed", "sealed"} {
		replacedStays(t, c, o, key, []byte("first"), []byte("second"))
	}
	if err := o.Delete(limited(t), "removed"); err != nil {
		t.Fatal(err)
	}
	if got, err := object(limited(t), o, "removed"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed, and there: %q, %v", got, err)
	}
	closed(t, s)
	s = startSealed(t, dir, ring)
	defer closed(t, s)
	c = connect(t, s, "b")
	if o, err = c.Objects(limited(t), "files", ObjectsOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := o.Reseal(limited(t)); err != nil {
		t.Fatal(err)
	}
	labels, replaced, whole, err := o.readLabels(limited(t))
	if err != nil || len(labels) != 1 || labels["sealed"].by == "" || len(replaced) != 0 || !whole {
		t.Errorf("%v, replaced %d, whole %v, %v", labels, replaced, whole, err)
	}
	if err := o.Keys(limited(t), func(string, int64) error { return nil }); err != nil {
		t.Error(err)
	}
	wantObject(t, o, "sealed", []byte("second"))
}
