package sealedfolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"freshet/internal/atrest"
)

// Opens says if the marker of a sealed folder does not open; nil without a marker.
func Opens(dir string, ring *atrest.Ring, what string) error {
	name := filepath.Join(SealedDir(dir), markerName)
	marker, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, _, err = ring.Open(nil, marker, markerOf(what))
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// HasPlain reports whether a plain folder has files that [Open] with a ring refuses.
func HasPlain(dir string) (bool, error) { return hasFiles(dir) }
