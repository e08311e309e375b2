package app

import (
	"strings"

	"freshet/static"
)

// folders are those whose files a server serves. They may change with the
// configuration.
type folders struct {
	list func() []servedFolder
	turn chan struct{} // holds one of who writes into them
}

// servedFolder is one of them.
type servedFolder struct {
	path  string // where it is served, decoded, without slashes at its ends; "" for all
	files *static.Handler
}

// newFolders are one folder that is served everywhere.
func newFolders(h *static.Handler) *folders {
	return &folders{list: func() []servedFolder { return []servedFolder{{files: h}} }, turn: make(chan struct{}, 1)}
}

// folders are those of all sites, each place of each once.
func (l *live) folders() (all []servedFolder) {
	seen := map[[2]string]bool{}
	for _, t := range l.sites().all {
		for _, r := range t.routes {
			if h := r.backend.folder; h != nil && !seen[[2]string{r.path, h.Root()}] {
				seen[[2]string{r.path, h.Root()}] = true
				all = append(all, servedFolder{r.path, h})
			}
		}
	}
	return all
}

// below returns the name in the folder of what has a path, decoded and without
// slashes at its ends: the folder itself, "", when it is below the path. ok is
// false when nothing there has it.
func (f *servedFolder) below(path string) (name string, ok bool) {
	if path == f.path || path == "" || strings.HasPrefix(f.path, path+"/") {
		return "", true
	}
	if f.path == "" {
		return path, true
	}
	return strings.CutPrefix(path, f.path+"/")
}
