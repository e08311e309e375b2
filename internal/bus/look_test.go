//go:build !nonats

package bus

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestState(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	if state, err := c.State(limited(t)); err != nil || len(state.Streams) != 0 {
		t.Errorf("%+v, %v", state, err)
	}
	l := openLog(t, c, "jobs")
	for n := range uint64(3) {
		mustAppend(t, l, n, "hello")
	}
	theirs, err := c.js.CreateStream(limited(t), jetstream.StreamConfig{Name: "orders", Subjects: []string{"orders.>"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.CreateConsumer(limited(t), jetstream.ConsumerConfig{Durable: "reader"}); err != nil {
		t.Fatal(err)
	}
	stream, n, err := c.Store(limited(t), "orders.new", map[string][]string{"Kind": {"test"}}, []byte("one"))
	if err != nil || stream != "orders" || n != 1 {
		t.Errorf("%s %d, %v", stream, n, err)
	}
	var state State
	for ctx := limited(t); ; time.Sleep(time.Millisecond) { // consumers are told of a message when it is stored
		if state, err = c.State(ctx); err != nil {
			t.Fatal(err)
		}
		if len(state.Streams) == 3 && len(state.Streams[1].Consumers) == 1 && state.Streams[1].Consumers[0].Pending == 1 {
			break
		}
	}
	if len(state.Streams) != 3 || state.Max != 64<<20 || state.Store <= 0 {
		t.Fatalf("%+v", state)
	}
	log, orders := state.Streams[0], state.Streams[1]
	if log.Name != "log_jobs" || log.Messages != 3 || log.First != 1 || log.Last != 3 || log.LastTime.IsZero() || log.Bytes == 0 || log.Replicas != 1 {
		t.Errorf("%+v", log)
	}
	if orders.Name != "orders" || len(orders.Consumers) != 1 || orders.Consumers[0].Name != "reader" || orders.Consumers[0].Pending != 1 {
		t.Errorf("%+v", orders)
	}

	m, err := c.Peek(limited(t), "orders", 1)
	if err != nil || string(m.Payload) != "one" || m.Subject != "orders.new" || m.Header["Kind"][0] != "test" || m.Time.IsZero() {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := c.Peek(limited(t), "orders", 2); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := c.Peek(limited(t), "nothing", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	stale, err := c.js.CreateStream(limited(t), jetstream.StreamConfig{Name: "stale", Subjects: []string{"stale.>"}, MaxMsgsPerSubject: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"stale.b", "stale.a", "stale.a", "stale.a"} {
		if _, _, err := c.Store(limited(t), subject, nil, []byte(subject)); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[uint64]uint64{1: 1, 2: 4, 3: 4, 4: 4} {
		if m, err := c.PeekFrom(limited(t), "stale", from); err != nil || m.Number != want || m.Subject == "" {
			t.Errorf("from %d: %+v, %v", from, m, err)
		}
	}
	if _, err := c.PeekFrom(limited(t), "stale", 5); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := c.js.DeleteStream(limited(t), stale.CachedInfo().Config.Name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Store(limited(t), "nowhere", nil, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, _, err := c.Store(limited(t), prefixLog+"jobs", nil, nil); !errors.Is(err, ErrName) {
		t.Errorf("%v", err)
	}
	mustAppend(t, l, 3, "still the writer")
}
