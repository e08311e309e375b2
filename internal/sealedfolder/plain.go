package sealedfolder

// HasPlain reports whether a plain folder has files that [Open] with a ring refuses.
func HasPlain(dir string) (bool, error) { return hasFiles(dir) }
