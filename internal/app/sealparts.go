package app

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"freshet/fleet"
	"freshet/internal/acme"
	"freshet/internal/atrest"
	"freshet/internal/authority"
	"freshet/internal/bus"
	"freshet/internal/sealedfolder"
	"freshet/internal/wholefile"
)

// parts are what can be rewritten of what was named.
func (s *sealing) parts() []sealPart {
	var all []sealPart
	if dir := s.conf.Authority; dir != "" {
		all = append(all, s.authority(dir))
	}
	if dir := s.conf.TLSAutoData; dir != "" {
		all = append(all, s.certificates(dir))
	}
	if s.conf.Data == "" {
		return all
	}
	jobs := filepath.Join(s.conf.Data, "jobs")
	all = append(all, s.store("jobs/bus", filepath.Join(jobs, "bus")), s.store("jobs/peers", filepath.Join(jobs, "peers")))
	all = append(all, s.jobs("jobs/files", jobs))
	return append(all, s.one(alertsFile, filepath.Join(s.conf.Data, alertsFile), alertsSealedAs))
}

func (s *sealing) authority(dir string) sealPart {
	return sealPart{"authority", func() (string, bool, error) {
		needs, err := authority.Seal(dir, s.change, true)
		if err != nil {
			return "", false, err
		}
		by := sealedBy{}
		err = by.count(authority.KeyFile(dir))
		now, _ := by.words(s.change)
		return now, needs, err
	}, func(context.Context, func(done, total int64)) error {
		_, err := authority.Seal(dir, s.change, false)
		return err
	}}
}

func (s *sealing) certificates(dir string) sealPart {
	return sealPart{"certificates", func() (string, bool, error) {
		by := sealedBy{}
		err := acme.EachStored(os.DirFS(dir), func(key string) error {
			return by.count(filepath.Join(dir, filepath.FromSlash(key)))
		})
		now, needs := by.words(s.change)
		return now, needs, err
	}, func(ctx context.Context, progress func(done, total int64)) error {
		return acme.SealFolder(ctx, dir, s.change, progress)
	}}
}

// store is what NATS keeps.
func (s *sealing) store(name, dir string) sealPart {
	return sealPart{name, func() (string, bool, error) {
		now, err := bus.NeedsSeal(dir, s.change)
		if now != "" || err != nil {
			return now, true, err
		}
		by := sealedBy{}
		if err := by.count(filepath.Join(dir, "sealed")); err != nil {
			return "", false, err
		}
		if now, _ = by.words(s.change); now == "" && bus.Holds(dir) {
			now = "plain"
		}
		return now, false, nil
	}, func(ctx context.Context, progress func(done, total int64)) error {
		return bus.SealFolder(ctx, dir, s.change, progress)
	}}
}

// jobs is what is kept of jobs in files: those of tasks, and where there is no NATS
// the ledger.
func (s *sealing) jobs(name, dir string) sealPart {
	return sealPart{name, func() (string, bool, error) {
		by := sealedBy{}
		for _, part := range [...]struct {
			name  string
			count func(name string) error
		}{{"log", by.countParts}, {"logs", by.countParts}, {"outputs", by.countPart}, {"inputs", by.countPart}} {
			plain := filepath.Join(dir, part.name)
			if has, err := sealedfolder.HasPlain(plain); err != nil {
				return "", false, err
			} else if has {
				by[""]++
			}
			err := filepath.WalkDir(sealedfolder.SealedDir(plain), func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					err = part.count(path)
				}
				return err
			})
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", false, err
			}
		}
		now, needs := by.words(s.change)
		return now, needs, nil
	}, func(ctx context.Context, progress func(done, total int64)) error {
		return fleet.SealFolder(ctx, dir, s.change, progress)
	}}
}

// one is a file that is sealed as what.
func (s *sealing) one(name, file, what string) sealPart {
	return sealPart{name, func() (string, bool, error) {
		by := sealedBy{}
		err := by.count(file)
		now, needs := by.words(s.change)
		return now, needs, err
	}, func(context.Context, func(done, total int64)) error { return repackFile(file, what, s.change) }}
}

// repackFile rewrites a file as change says.
func repackFile(name, what string, change *atrest.Change) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	next, done, err := change.Repack(text, what)
	if err != nil || done {
		return err
	}
	return wholefile.Write(name, next)
}

// sortedNames are the keys of a map, in their order.
func sortedNames(b sealedBy) []string {
	return slices.SortedFunc(maps.Keys(b), strings.Compare)
}
