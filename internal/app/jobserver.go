package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"freshet/fleet"
)

// openJobs opens the queue of jobs and its worker, if there is to be one.
func (s *service) openJobs() error {
	c := &s.conf.Jobs
	if c.Tasks < 0 {
		return nil
	}
	dir, err := doorFolder(s.content.data, s.env.Environ)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return fmt.Errorf("--jobs: %w", err)
	}
	s.jobs, err = fleet.Open(context.Background(), fleet.Options{Dir: filepath.Join(dir, "jobs"), Version: version(), Tasks: int(c.Tasks), User: c.User,
		Dirs: c.Dirs, Keep: c.Keep, Drain: max(s.conf.ShutdownTimeout, 1), ErrorLog: s.log.Logger})
	if errors.Is(err, fleet.ErrInUse) {
		return fmt.Errorf("--jobs: the jobs in %s are those of another server that runs; give this one its own folder with --data", dir)
	}
	if err != nil {
		return fmt.Errorf("--jobs: %w", err)
	}
	return nil
}

func (s *service) announceJobs() {
	if s.jobs != nil {
		s.env.tell("jobs: %s", s.jobs.Describe())
	}
}

func (s *service) closeJobs() error {
	if s.jobs == nil {
		return nil
	}
	return s.jobs.Close()
}
