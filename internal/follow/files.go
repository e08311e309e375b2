package follow

// OpenFiles is OpenFile for what is made of a file or a folder and of files that
// are named there: read says what it has read, or has tried to, and a change of
// any one of these counts.
func OpenFiles[T any](path string, read func(path string) (*T, []string, error), failed func(error)) (*File[T], error) {
	f := &File[T]{path: path, failed: failed}
	f.read = func(path string) (*T, error) {
		// Stamps are of before the reading, so that what changes meanwhile is seen
		// at the next look.
		stamps := make(map[string]Stamp, len(f.others))
		for name := range f.others {
			stamps[name] = StampOf(name)
		}
		made, names, err := read(path)
		more := false
		for _, name := range names {
			if _, known := stamps[name]; !known {
				stamps[name], more = StampOf(name), true
			}
		}
		if more {
			made, _, err = read(path)
		}
		f.others = stamps
		return made, err
	}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// changed reports whether something that was read is another one now.
func (f *File[T]) changed() bool {
	if StampOf(f.path) != f.stamp {
		return true
	}
	for name, stamp := range f.others {
		if StampOf(name) != stamp {
			return true
		}
	}
	return false
}
