package static

// What others have to know who write sidecars, the files beside others that
// hold a coding of them. The handler itself writes nothing.

// Root is the absolute path of the folder; "" over an fs.FS.
func (h *Handler) Root() string { return h.opt.Root }

// Hides reports whether a name below the folder, with slashes and without one in
// front, is held back with all that is below it: see Options.Hidden.
func (h *Handler) Hides(name string) bool { return !h.opt.Hidden && hiddenPath(name) }

// TakesSidecars reports whether a file of this name is served with the codings
// that lie beside it: it is not held back, no program, and of a type that
// compresses, but no archive. The file system is not asked.
//
// A sidecar counts when it is not empty, and not older than the file.
func (h *Handler) TakesSidecars(name string) bool {
	return !h.opt.NoCompress && hasSidecars(typeOf(name, h.opt.MIME)) && !h.Hides(name) && (h.opt.Programs == nil || !h.program(name))
}
