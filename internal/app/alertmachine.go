package app

import (
	"math"
	"os"
	"slices"

	"freshet/fleet"
	"freshet/internal/alert"
)

// lookAtMachine looks at disks and memory, where the system tells.
func (s *service) lookAtMachine(look alert.Look) {
	for _, dir := range s.diskFolders() {
		free := math.NaN() // it cannot be read now
		if d := fleet.DiskOf(dir); d != nil && d.Total > 0 {
			free = 100 * float64(d.Free) / float64(d.Total)
		}
		look["disk_free"] = append(look["disk_free"], alert.Reading{Subject: dir, Value: free})
	}
	if m := fleet.Measure("").Memory; m.Total > 0 {
		look["memory_free"] = one(100*float64(m.Available)/float64(m.Total), 0)
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
