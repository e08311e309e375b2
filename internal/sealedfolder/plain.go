package sealedfolder

import (
	"errors"
	"io/fs"

	"freshet/internal/atrest"
)

// Opens says if the marker of a sealed folder does not open; nil without a marker.
func Opens(dir string, ring *atrest.Ring, what string) error {
	f := &Folder{Dir: SealedDir(dir), ring: ring}
	_, _, err := f.readMarker(what)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// HasPlain reports whether a plain folder has files that [Open] with a ring refuses.
func HasPlain(dir string) (bool, error) { return hasFiles(dir) }
