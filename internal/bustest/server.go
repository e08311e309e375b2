//go:build !nonats

// Package bustest has tests run a NATS server as others run it: with a port, and
// a store of its own. It is for tests of packages that know NATS by internal/bus
// alone.
package bustest

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/wiretest"
)

// Abandoned is what NATS leaves in the process when one of several servers ends
// while it makes a group for a stream: the group's log has been opened, starting
// the group fails, and nobody closes the log (nats-server 2.15.2, createRaftGroup
// and initRaftNode), which keeps the clock of all logs running as well.
var Abandoned = []wiretest.Abandoned{
	{Function: "github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop", Files: 1},
	{Function: "github.com/nats-io/nats-server/v2/server/ats.Register.func1"},
}

// patience is how long a server may take to begin; only a failure waits for it.
const patience = 2 * time.Minute

// Server starts a server that ends with the test, and returns its URL.
func Server(t testing.TB) string {
	t.Helper()
	host, port, err := net.SplitHostPort(wiretest.Reserve(t))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return Start(t, server.Options{Host: host, Port: number, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 256 << 20}).ClientURL()
}

// Start starts a server with a store that ends with the test. Unless the options
// say otherwise it is at 127.0.0.1, any port, in a folder of its own.
func Start(t testing.TB, o server.Options) *server.Server {
	t.Helper()
	o.NoSigs, o.NoLog, o.JetStream = true, true, true
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	ns, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	if !ns.ReadyForConnections(patience) {
		t.Fatal("the server does not get ready")
	}
	return ns
}
