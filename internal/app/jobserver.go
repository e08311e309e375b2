package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"freshet/fleet"
	"freshet/internal/config"
	"freshet/internal/strength"
	"freshet/internal/why"
	"freshet/jobs"
)

// openJobs opens the queue of jobs and its worker, if there is to be one.
func (s *service) openJobs() error {
	c := &s.conf.Jobs
	if c.Join != (config.Secret{}) {
		return s.purges.become(s.join)
	}
	if c.Tasks < 0 && c.Fleet == "" {
		return nil
	}
	return s.purges.become(s.openQueue)
}

func (s *service) openQueue() error {
	c := &s.conf.Jobs
	var cache fleet.Cache
	if c.Fleet != "" {
		cache = s.purges.cache()
	}
	dir, err := doorFolder(s.content.data, s.env.Environ)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return fmt.Errorf("--jobs: %w", err)
	}
	if fi, err := os.Stat(dir); err == nil && othersWrite(fi) {
		return fmt.Errorf("--jobs: %s: others than its owner may write to it (mode %04o), and could have programs of theirs run; chmod go-w it, or give --data", dir, fi.Mode().Perm())
	}
	elsewhere, err := natsOf(&c.NATS)
	if err != nil {
		return err
	}
	s.limits = fleet.NewLimits(numbers(c.Limits), numbers(c.Shares))
	peer, err := peerOf(c)
	if err != nil {
		return err
	}
	s.jobs, err = fleet.Keep(context.Background(), fleet.Options{Dir: filepath.Join(dir, "jobs"), Name: c.Name, NATS: elsewhere, Peer: peer, Version: version(), Tasks: int(max(c.Tasks, 1)), Listen: c.Fleet, Cache: cache, User: c.User, Figures: s.fleetFigures, Tickets: s.giveTickets(), Certificates: s.keptForFleet(), Ring: s.ring,
		Dirs: c.Dirs, Keep: c.Keep, Kinds: s.kinds(), Check: s.checkJob, Inputs: fleet.InputOptions{MaxAll: c.Inputs}, Outputs: c.Outputs, Limits: s.limits, Drain: max(s.conf.ShutdownTimeout, 1), ErrorLog: s.log.Logger})
	if errors.Is(err, fleet.ErrInUse) {
		return fmt.Errorf("--jobs: the jobs in %s are those of another server that runs; give this one its own folder with --data", dir)
	}
	if err != nil {
		return fmt.Errorf("--jobs: %w", err)
	}
	if cache != nil {
		s.purges.route(s.jobs.Purger())
	}
	return nil
}

// numbers are those of a setting by name.
func numbers(from map[string]int64) map[string]int {
	to := make(map[string]int, len(from))
	for name, n := range from {
		to[name] = int(n) // the table bounds it
	}
	return to
}

// limitJobs sets what another configuration says of pools and owners.
func (s *service) limitJobs(c *config.JobQueue) {
	s.conf.Jobs.Limits, s.conf.Jobs.Shares = c.Limits, c.Shares
	if s.limits != nil {
		s.limits.Set(numbers(c.Limits), numbers(c.Shares))
	}
}

// peerOf is this server's part in a fleet that several servers keep; nil: it has
// none.
func peerOf(c *config.JobQueue) (*fleet.Peer, error) {
	if c.Peer == (config.Secret{}) {
		return nil, nil
	}
	token, err := secretOf(c.Peer, "--fleet-peer-file")
	return &fleet.Peer{Token: token, Listen: c.PeerListen}, err
}

// natsOf is the cluster that a queue is kept in; nil: it is kept here.
func natsOf(c *config.NATS) (*fleet.NATS, error) {
	if c.URL == "" {
		return nil, nil
	}
	to := &fleet.NATS{URL: c.URL, Creds: c.Creds, Replicas: int(c.Replicas)}
	if c.CA == "" {
		return to, nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fileFault("--nats-ca", c.CA, err)
	}
	if err := strength.Roots(text); err != nil {
		return nil, fmt.Errorf("--nats-ca %s: %w", c.CA, err)
	}
	to.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !to.TLS.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--nats-ca %s: there is no certificate in it, in PEM", c.CA)
	}
	return to, nil
}

func (s *service) announceJobs() {
	if s.jobs == nil {
		return
	}
	away := s.jobs.Away()
	if away != nil && !errors.Is(away, fleet.ErrStandby) {
		s.env.tell("jobs: %v", away)
	} else {
		s.env.tell("jobs: %s", s.jobs.Describe())
	}
	if s.jobs.Address() == "" {
		return
	}
	where := ""
	switch {
	case s.conf.Jobs.NATS.URL != "":
		where = "in NATS elsewhere"
	case s.conf.Jobs.Peer != (config.Secret{}):
		where = "by its peers"
	}
	switch {
	case away != nil && where != "":
		s.env.tell("fleet on %s, kept %s; %v", s.jobs.Address(), where, away)
		return
	case away != nil:
		s.env.tell("fleet on %s when the job queue is open", s.jobs.Address())
		return
	}
	if n := len(s.jobs.Invited()); n > 0 {
		s.env.tell("fleet on %s; %s may join, freshet worker invite NAME adds one", s.jobs.Address(), why.Count(int64(n), "worker"))
		return
	}
	token, err := s.jobs.Invite("worker-1", 0)
	if err != nil {
		s.log.Error("no worker can join", "err", err)
		return
	}
	s.env.tell("fleet on %s; on another machine: freshet worker --join %s", s.jobs.Address(), token)
	if s.purges.cache() != nil {
		s.env.tell("or, as a further cache, with the same token: FRESHET_JOIN=TOKEN freshet %s ...", s.content.command)
	}
}

func (s *service) closeJobs() error {
	s.member.close()
	if s.jobs == nil {
		return nil
	}
	return s.jobs.Close()
}

// jobFiles lists what a task has made, for the monitor.
func (s *service) jobFiles(job jobs.ID, task int64) ([]jobs.File, error) {
	list, err := s.jobs.Outputs(job, task)
	files := make([]jobs.File, len(list))
	for i := range list {
		files[i] = jobs.File{Name: list[i].Name, Size: list[i].Size}
	}
	return files, err
}
