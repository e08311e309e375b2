package cache

import (
	"context"
	"testing"
)

type keyOf struct{}

func TestOriginContext(t *testing.T) {
	client, leave := context.WithCancel(context.WithValue(t.Context(), keyOf{}, 1))
	gone := make(chan struct{})
	var c originContext
	c.start(client, func() { close(gone) })
	if c.Value(keyOf{}) != 1 || c.Err() != nil || c.inner != nil {
		t.Error("a context that nobody asked about")
	}
	child, cancel := context.WithCancel(&c)
	defer cancel()
	if c.Value(keyOf{}) != 1 || child.Err() != nil {
		t.Error("with a child")
	}
	leave()
	<-gone
	if c.Err() != nil {
		t.Error("ended by the client alone")
	}
	c.cancel()
	<-child.Done()
	if c.Err() == nil || child.Err() == nil {
		t.Error("not ended")
	}
	// One that has ended before anybody asked.
	var d originContext
	d.start(t.Context(), func() { t.Error("told") })
	d.cancel()
	<-d.Done()
}
