//go:build !nonats

package bus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"freshet/internal/filelock"
)

// Server is a NATS server inside this process. Its methods may be called by
// several goroutines.
type Server struct {
	options Options
	ns      *server.Server
	lock    io.Closer // nil: there is no folder
	secret  string    // what connections of this process show, new with each start
	nodes   *nodes

	mu     sync.Mutex // guards what follows; a leaf
	conns  map[*Conn]bool
	door   *door    // nil: not open
	also   []string // further addresses for tokens
	closed bool

	writes context.Context // ends when NATS cannot write, with the reason as its cause
	breaks context.CancelCauseFunc

	end     sync.Once
	stopped chan struct{} // closed when NATS has ended and the folder is free
}

// Start starts a server that keeps its files in o.Dir and does not listen.
// Every entry is synced to the disk before it is acknowledged. With o.NoStore
// there are none, and Broken is never closed.
func Start(o Options) (*Server, error) {
	if o.Dir == "" && (!o.NoStore || o.Records == nil) {
		return nil, errors.New("start the job store: no folder is given")
	}
	if o.MaxStore <= 0 {
		o.MaxStore = DefaultMaxStore
	}
	if o.Name == "" {
		o.Name = "freshet"
	}
	if err := checkName("server", o.Name); err != nil {
		return nil, err
	}
	s := &Server{options: o, conns: map[*Conn]bool{}, stopped: make(chan struct{})}
	s.writes, s.breaks = context.WithCancelCause(context.Background())
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("start the job store: %w", err)
		}
		lock, err := filelock.Take(filepath.Join(o.Dir, "lock"))
		if err != nil {
			return nil, fmt.Errorf("start the job store in %s: %w", o.Dir, err)
		}
		s.lock = lock
	}
	if err := s.start(); err != nil {
		where := ""
		if o.Dir != "" {
			where = " in " + o.Dir
		}
		return nil, errors.Join(fmt.Errorf("start the job store%s: %w", where, err), s.Close())
	}
	return s, nil
}

func (s *Server) start() error {
	s.secret = random()
	known, err := openNodes(placeOf(s.options))
	if err != nil {
		return err
	}
	s.nodes = known
	o := &server.Options{
		ServerName:                 s.options.Name,
		DontListen:                 true,
		NoSigs:                     true,
		MaxPayload:                 2 * MaxEntry, // an entry and its header
		MaxControlLine:             4096,
		MaxConn:                    4096,
		MaxSubs:                    4096,
		PingInterval:               pingEvery,
		AuthTimeout:                DefaultTimeout.Seconds(),
		AlwaysEnableNonce:          true,
		CustomClientAuthentication: gate{s},
		DisableJetStreamBanner:     true,
	}
	if !s.options.NoStore {
		o.JetStream, o.StoreDir, o.SyncAlways = true, s.options.Dir, true
		o.JetStreamMaxStore, o.JetStreamMaxMemory = s.options.MaxStore, maxMemory
	}
	ns, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.ns = ns
	said := &serverLog{log: s.options.Log, broken: s.breaks}
	if s.options.NoStore {
		said.broken = func(error) {} // there is nothing that it has to write
	}
	ns.SetLoggerV2(said, false, false, false)
	ns.Start()
	if err := said.fatal(); err != nil {
		return err
	}
	if !ns.ReadyForConnections(closePatience) {
		return errors.New("it does not get ready")
	}
	return nil
}

// Connect makes a connection inside the process; name is what others see as
// Request.From. It ends with the server at the latest.
func (s *Server) Connect(name string) (*Conn, error) {
	if err := checkName("connection", name); err != nil {
		return nil, err
	}
	c, err := open(name, s.options.Log, nats.InProcessServer(s.ns), nats.Token(s.secret))
	if err != nil {
		if s.isClosed() {
			err = ErrClosed
		}
		return nil, fmt.Errorf("connect %s: %w", name, err)
	}
	c.maxStore, c.server = s.options.MaxStore, s
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
// It writes nothing more then: Close it, and Start another in the folder when
// there is room. What was acknowledged is there.
func (s *Server) Broken() <-chan struct{} { return s.writes.Done() }

// Err is why the server is broken; nil while it is not.
func (s *Server) Err() error { return context.Cause(s.writes) }

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close ends the connections and the server and frees the folder. It waits 10
// s for that; an error says that it goes on in the background.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	d := s.door
	s.mu.Unlock()
	if d != nil {
		d.close()
	}
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
			if s.lock != nil {
				_ = s.lock.Close()
			}
		}()
	})
	late := time.NewTimer(closePatience)
	defer late.Stop()
	select {
	case <-s.stopped:
		return nil
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
