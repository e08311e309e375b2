package fleet

// Measure returns what a server would report of its machine: load, memory, and
// the disk of a folder, as far as the system tells.
func Measure(dir string) Report { return measured(dir) }

// DiskOf returns the disk of a folder; nil: the system does not tell, or cannot now.
func DiskOf(dir string) *Disk { return diskOf(dir) }
