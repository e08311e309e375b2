package cache

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// generations is the file beside the objects that remembers purges: without it
// a restart would bring back what was purged.
type generations struct {
	Generation uint64 `json:"generation"`
	Hard       uint64 `json:"hard"`
	Soft       uint64 `json:"soft"`
	// Groups is when a group was invalidated last. Which one is not kept: after
	// a restart everything with a group that is older counts as gone.
	Groups uint64 `json:"groups"`
}

// readGenerations restores what the file says. A file that cannot be read makes
// everything that is stored stale.
func (t *diskTier) readGenerations() {
	s := t.store
	var g generations
	b, err := os.ReadFile(t.generations)
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	switch {
	case err == nil:
		s.generation.Store(max(1, g.Generation, s.generation.Load()))
		s.hard.Store(g.Hard)
		s.soft.Store(g.Soft)
		s.groups.before(g.Groups)
	case !os.IsNotExist(err):
		t.log.Warn("cache: what was purged before is not known, so everything is validated", "err", err)
		s.generation.Store(1 << 62)
		s.soft.Store(1 << 62)
	}
}

// writeGenerations keeps the generations; it is written aside and renamed.
func (t *diskTier) writeGenerations() error {
	s := t.store
	t.generationMu.Lock()
	defer t.generationMu.Unlock()
	b, err := json.Marshal(generations{s.generation.Load(), s.hard.Load(), s.soft.Load(), s.groups.last.Load()})
	if err != nil {
		return err
	}
	aside := t.generations + ".new"
	if err := os.WriteFile(aside, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(aside, t.generations)
}

// refresh reads the file again if another process has written it.
func (t *diskTier) refresh() {
	info, err := os.Stat(t.generations)
	if err != nil {
		return // nothing was ever purged
	}
	t.generationMu.Lock()
	defer t.generationMu.Unlock()
	if t.known != nil && os.SameFile(t.known, info) && t.known.ModTime().Equal(info.ModTime()) {
		return
	}
	t.known = info
	t.readGenerations()
}

// purged has a purge of everything survive a restart.
func (t *diskTier) purged(soft bool) error {
	err := t.writeGenerations()
	if soft {
		return err
	}
	t.mu.Lock()
	for key := range t.pending {
		t.pending[key] = nil
	}
	t.mu.Unlock()
	if cleared := t.files.Clear(); err == nil {
		err = cleared
	}
	return err
}

// dirs makes the folder of the tier and returns where its parts are.
func dirs(dir string) (objects, generations string, err error) {
	err = os.MkdirAll(dir, 0o700)
	return filepath.Join(dir, "objects"), filepath.Join(dir, "generations.json"), err
}
