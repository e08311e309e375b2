//go:build !nonats

package bus

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server inside this process. Its methods may be called by
// several goroutines.
type Server struct {
	inside
	options Options
	nodes   *nodes

	// Guarded by inside.mu.
	door *door    // nil: not open
	also []string // further addresses for tokens
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
	s := &Server{options: o}
	s.prepare(o.Log, o.MaxStore)
	s.seal = o.Seal
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
	var sealed *marker
	if s.options.Dir != "" {
		if err := s.take(s.options.Dir); err != nil {
			return err
		}
		var err error
		if sealed, err = openMarker(s.options.Dir, s.options.Seal); err != nil {
			return err
		}
	}
	known, err := openNodes(placeOf(s.options))
	if err != nil {
		return err
	}
	s.nodes = known
	o := &server.Options{
		ServerName:                 s.options.Name,
		DontListen:                 true,
		CustomClientAuthentication: gate{&s.inside, s.visitor},
	}
	if !s.options.NoStore {
		s.stores(o, s.options.Dir, sealed)
		if err := s.keep(o); err != nil {
			return err
		}
	}
	broken := s.breaks
	if s.options.NoStore {
		broken = func(error) {} // there is nothing that it has to write
	}
	said := &serverLog{log: s.options.Log, broken: broken}
	if err := s.begin(o, said); err != nil {
		return err
	}
	if !s.ns.ReadyForConnections(closePatience) {
		return errors.New("it does not get ready")
	}
	if s.options.NoStore {
		return nil
	}
	return s.allOpen(said)
}

// Close ends the connections and the server and frees the folder. It waits 10
// s for that; an error says that it goes on in the background.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	d := s.door
	s.mu.Unlock()
	if d != nil {
		d.close()
	}
	return s.inside.Close()
}
