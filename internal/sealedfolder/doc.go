// Package sealedfolder keeps the files of a folder plain, or all of them sealed
// by package atrest. Plain ones are in the folder itself, sealed ones in another
// beside it, NAME.sealed, with a marker that says so; there are never both, but
// while [Rewrite] makes one of the other, which nobody else does: what it has left
// when it was killed is refused by [Open], and done by the next one.
//
//	f, err := sealedfolder.Open("/var/lib/x/inputs", ring, "inputs of jobs")
//	file, err := f.OpenFile(filepath.Join(f.Dir, "name"), "name")
//
// What a file is, which its user says, is part of how it is sealed, and so is the
// folder: a file that stands in the place of another, or comes from another
// folder, does not open. One process at a time may use a folder; a lock is its
// user's.
package sealedfolder
