//go:build !nonats

package bus

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestOnItsWay: a server that has proposed an entry, or a page, to others that
// are gone refuses the same once more. That is no other writer's doing.
func TestOnItsWay(t *testing.T) {
	beside(t)
	servers, urls := cluster(t)
	c, err := Connect(limited(t), ConnectOptions{URL: urls[0], Name: "a", Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	open := func(ctx context.Context) (*Log, error) { return c.Log(ctx, "jobs", LogOptions{}) }
	info, err := opened(t, open).entries.Info(limited(t))
	if err != nil || info.Cluster == nil {
		t.Fatalf("%+v, %v", info, err)
	}
	leader := servers[info.Cluster.Leader]
	if c, err = Connect(limited(t), ConnectOptions{URL: leader.ClientURL(), Name: "b", Replicas: 3}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l := opened(t, open)
	ctx := limited(t)
	until := func(write func() error) {
		t.Helper()
		for err := write(); err != nil; err = write() {
			if errors.Is(err, ErrFenced) || ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	until(func() error { _, err := l.Append(ctx, 0, []byte("one")); return err })
	until(func() error { return l.PutPage(ctx, "k", []byte("one")) })
	for _, s := range servers {
		if s != leader {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
	for range 3 {
		for what, write := range map[string]func(context.Context) error{
			"entry": func(ctx context.Context) error { _, err := l.Append(ctx, 1, []byte("two")); return err },
			"page":  func(ctx context.Context) error { return l.PutPage(ctx, "k", []byte("two")) },
		} {
			once, cancel := context.WithTimeout(ctx, time.Second/2)
			err := write(once)
			cancel()
			if err == nil || errors.Is(err, ErrFenced) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}
