package ui

import (
	"bytes"
	"io/fs"
	"strings"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// openCoded opens an asset in a content coding, as if a file beside it had
// that ("app.<hash>.css.br"): so the first who asks gets it coded, too. All
// assets in all codings take about ten milliseconds, once in the life of the
// process, and package static keeps them.
func (a *assets) openCoded(name string) (fs.File, bool) {
	for _, c := range []field.Coding{field.Gzip, field.Brotli, field.Zstd} {
		own, ok := strings.CutSuffix(name, coding.Sidecar(c))
		file, known := a.files[own]
		if !ok || !known {
			continue
		}
		content, err := dist.ReadFile(file)
		if err != nil {
			return nil, false
		}
		b, err := coding.Encode(nil, c, content, coding.Quick)
		if err != nil || !coding.Worth(len(content), len(b)) {
			return nil, false
		}
		return &codedFile{*bytes.NewReader(b), name}, true
	}
	return nil, false
}

// codedFile is a file in memory, as old as all that is embedded.
type codedFile struct {
	bytes.Reader
	name string
}

func (f *codedFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *codedFile) Close() error               { return nil }

// What follows makes it its own fs.FileInfo; Size is the reader's.

func (f *codedFile) Name() string       { return f.name }
func (f *codedFile) Mode() fs.FileMode  { return 0o444 }
func (f *codedFile) ModTime() time.Time { return time.Time{} }
func (f *codedFile) IsDir() bool        { return false }
func (f *codedFile) Sys() any           { return nil }
