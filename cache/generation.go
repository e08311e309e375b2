package cache

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
)

// generations is the file in which versions before remembered purges. It is
// read when there is no other.
type generations struct {
	Generation uint64 `json:"generation"`
	Hard       uint64 `json:"hard"`
	Soft       uint64 `json:"soft"`
	Groups     uint64 `json:"groups"` // when a group was invalidated last; which one is not known
}

// readGenerations has the purges hold that the file of a version before tells
// of.
func (s *Store) readGenerations(path string) {
	var g generations
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	switch {
	case os.IsNotExist(err):
		return
	case err != nil:
		s.forgetful(&s.epochs, err)
		return
	}
	var old []*epoch
	if g.Hard > 0 {
		old = append(old, &epoch{number: g.Hard})
	}
	if g.Soft > g.Hard {
		old = append(old, &epoch{number: g.Soft, soft: true})
	}
	if g.Groups > g.Hard && g.Groups != g.Soft {
		old = append(old, &epoch{number: g.Groups, sel: Selector{kind: selectGroup}})
	}
	slices.SortFunc(old, func(a, b *epoch) int { return cmp.Compare(a.number, b.number) })
	s.epochs.mu.Lock()
	defer s.epochs.mu.Unlock()
	for _, e := range old {
		e.at, e.swept = s.now(), e.soft
		s.epochs.add(e)
		s.raise(e.number)
	}
	s.raise(g.Generation)
}

// dirs makes the folder of the tier and returns where its parts are.
func dirs(dir string) (objects, purges, generations string, err error) {
	err = os.MkdirAll(dir, 0o700)
	return filepath.Join(dir, "objects"), filepath.Join(dir, "purges.log"), filepath.Join(dir, "generations.json"), err
}
