// Package machine says how the machine is that the process runs on, as far as
// the system tells: its load, its memory, what the process has of that, and the
// disk of a folder.
//
//	total, available := machine.Memory()
//
// It is for what looks again and again: a look makes next to no garbage. All
// functions may be called by several goroutines at once.
package machine

import "runtime/metrics"

// Load returns how many tasks ran or waited, on average over 1, 5 and 15 minutes.
func Load() (load [3]float64, ok bool) { return readLoad() }

// Memory returns how many bytes the machine has, and how many of them who needs
// some can have; 0 is not known.
func Memory() (total, available int64) { return readMemory() }

// Resident returns how many bytes of the machine's memory the process has; where
// the system does not tell, what the runtime has of it.
func Resident() int64 {
	if bytes := readResident(); bytes > 0 {
		return bytes
	}
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
}

// Disk returns how many bytes the disk of a folder has, and how many of them are
// free.
func Disk(dir string) (total, free int64, ok bool) { return readDisk(dir) }
