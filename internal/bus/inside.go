//go:build !nonats

package bus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"freshet/internal/atrest"
	"freshet/internal/filelock"
)

// inside is what a [Server] and a [Peer] have in common: NATS in this process,
// and connections to it that only this process can make.
type inside struct {
	log      *slog.Logger
	maxStore int64
	seal     *atrest.Ring // of its connections
	ns       *server.Server
	lock     io.Closer // nil: there is no folder
	secret   string    // what connections of this process show, new with each start
	system   string    // the same, of NATS' own account
	kept     *kept     // what there was before NATS started; nil: nothing is kept, or not any more
	noLinks  bool      // of tests: as where a file has one name

	mu     sync.Mutex // guards what follows; a leaf
	conns  map[*Conn]bool
	closed bool

	writes context.Context // ends when NATS cannot write, with the reason as its cause
	breaks context.CancelCauseFunc

	end     sync.Once
	stopped chan struct{} // closed when NATS has ended and the folder is free
	failed  error         // of putting back what was kept; read when stopped is closed
}

// prepare comes first.
func (s *inside) prepare(log *slog.Logger, maxStore int64) {
	s.log, s.maxStore, s.secret, s.system = log, maxStore, random(), random()
	s.conns, s.stopped = map[*Conn]bool{}, make(chan struct{})
	s.writes, s.breaks = context.WithCancelCause(context.Background())
}

// take makes a folder, and takes it for this process. What a start that did not end
// has left is tidied.
func (s *inside) take(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lock, err := filelock.Take(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	s.lock = lock
	return s.putBackAll(dir)
}

// stores has NATS keep streams in a folder, and sync each write.
func (s *inside) stores(o *server.Options, dir string, sealed *marker) {
	o.JetStream, o.StoreDir, o.SyncAlways = true, sealed.folder(dir), true
	sealed.encrypt(o)
	o.JetStreamMaxStore, o.JetStreamMaxMemory = s.maxStore, maxMemory
}

// natsLog is a log of NATS that remembers what ended its start.
type natsLog interface {
	server.Logger
	fatal() error
}

// begin starts NATS, with what is the same for all.
func (s *inside) begin(o *server.Options, said natsLog) error {
	o.NoSigs, o.DisableJetStreamBanner = true, true
	o.MaxPayload = 2 * MaxEntry // an entry and its header
	o.MaxControlLine = 4096
	o.MaxConn, o.MaxSubs = 4096, 4096
	o.PingInterval, o.AuthTimeout = pingEvery, DefaultTimeout.Seconds()
	o.AlwaysEnableNonce = true
	if err := dropUnkeyed(o); err != nil {
		return err
	}
	ns, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.ns = ns
	ns.SetLoggerV2(said, false, false, false)
	ns.Start()
	return said.fatal()
}

// Connect makes a connection inside the process; name is what others see as
// Request.From. It ends with the server at the latest.
func (s *inside) Connect(name string) (*Conn, error) { return s.connect(name, 1) }

func (s *inside) connect(name string, replicas int) (*Conn, error) {
	if err := checkName("connection", name); err != nil {
		return nil, err
	}
	c, err := open(name, s.log, nats.InProcessServer(s.ns), nats.Token(s.secret))
	if err != nil {
		if s.isClosed() {
			err = ErrClosed
		}
		return nil, fmt.Errorf("connect %s: %w", name, err)
	}
	c.replicas, c.host, c.seal = replicas, s, s.seal
	c.forget = func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.conns[c] = true
	}
	s.mu.Unlock()
	if closed {
		c.Close()
		return nil, fmt.Errorf("connect %s: %w", name, ErrClosed)
	}
	return c, nil
}

// Broken is closed when the server could not write a file, as on a full disk.
// It writes nothing more then: Close it, and start another in the folder when
// there is room. What was acknowledged is there.
func (s *inside) Broken() <-chan struct{} { return s.writes.Done() }

// Err is why the server is broken; nil while it is not.
func (s *inside) Err() error { return context.Cause(s.writes) }

func (s *inside) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close ends the connections and the server and frees the folder. It waits 10
// s for that; an error says that it goes on in the background.
func (s *inside) Close() error {
	s.mu.Lock()
	s.closed = true
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	s.end.Do(func() {
		go func() {
			defer close(s.stopped)
			if s.ns != nil {
				s.ns.Shutdown()
				s.ns.WaitForShutdown()
			}
			if s.kept != nil && s.kept.linked {
				_, s.failed = putBack(s.kept.store)
			}
			if s.lock != nil {
				_ = s.lock.Close()
			}
		}()
	})
	late := time.NewTimer(closePatience)
	defer late.Stop()
	select {
	case <-s.stopped:
		return s.failed
	case <-late.C:
		return errors.New("the job store has not ended within 10 s")
	}
}

// maxMemory is what streams and consumers in memory may take: only the
// short-lived consumers that read a log are kept there.
const maxMemory = 32 << 20

// closePatience is how long Close waits for the server to end.
const closePatience = 10 * time.Second

// pingEvery is how often the server looks whether a connection lives.
const pingEvery = 20 * time.Second

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand ends the program rather than fail
	return hex.EncodeToString(b[:])
}
