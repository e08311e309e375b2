//go:build !linux

package static

func newFolder(dir string, follow bool) tree { return &rootTree{dir, follow} }
