package app

import (
	"math"
	"os"
	"slices"

	"freshet/internal/alert"
	"freshet/internal/machine"
)

// lookAtMachine looks at disks and memory, where the system tells.
func (s *service) lookAtMachine(look alert.Look) {
	for _, dir := range s.diskFolders() {
		free := math.NaN() // it cannot be read now
		if total, left, ok := machine.Disk(dir); ok {
			free = 100 * float64(left) / float64(total)
		}
		look["disk_free"] = append(look["disk_free"], alert.Reading{Subject: dir, Value: free})
	}
	if total, available := machine.Memory(); total > 0 {
		look["memory_free"] = one(100*float64(available)/float64(total), 0)
	}
}

// diskFolders are the folders that this server fills: that of the cache and the
// figures, that of the queue, and the one for what programs and tasks have for a
// while. Without any nothing is known of disks.
func (s *service) diskFolders() []string {
	var all []string
	add := func(dir string) {
		if !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	if s.content.data != "" {
		add(s.content.data)
	}
	if s.jobs != nil {
		if dir, err := doorFolder(s.content.data, s.env.Environ); err == nil && !s.joins() {
			add(dir)
		}
	}
	if s.jobs != nil && s.conf.Jobs.Tasks > 0 || len(s.allPrograms()) > 0 {
		add(os.TempDir())
	}
	return all
}
