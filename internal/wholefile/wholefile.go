// Package wholefile puts a file in the place of another: whatever happens
// meanwhile, a crash or a loss of power, whoever reads it finds the one or the
// other, whole. It is for files that are written now and then, not for much data.
//
//	err := wholefile.Write("/var/lib/x/state.json", text)
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// prefix begins the names of files that are being written. One that is found
// belongs to nobody, unless somebody writes at that moment.
const prefix = ".new-"

// Write has a file say something else. It is for its owner alone then (mode
// 0600), and lasts when Write returns. A link in its place is replaced itself.
func Write(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), prefix+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync() // before the rename: else a power loss leaves an empty file
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncFolder(filepath.Dir(name))
}

// SyncFolder returns when names that were made, changed or removed in a folder
// outlive a loss of power.
func SyncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // which syncs no folders
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync() // not every file system can
	return f.Close()
}
