//go:build !nonats

package bustest

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream makes a stream as others than freshet have them.
func Stream(t testing.TB, url, name string, subjects ...string) {
	t.Helper()
	do(t, url, func(js jetstream.JetStream) error {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: subjects})
		return err
	})
}

// Remove removes a stream, whoever has made it.
func Remove(t testing.TB, url, name string) {
	t.Helper()
	do(t, url, func(js jetstream.JetStream) error { return js.DeleteStream(t.Context(), name) })
}

func do(t testing.TB, url string, f func(js jetstream.JetStream) error) {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err == nil {
		err = f(js)
	}
	if err != nil {
		t.Fatal(err)
	}
}
