package diskstore

import (
	"hash/crc32"
	"os"
	"sync"
)

// usage keeps a file that says how much there is at most, so that the budget
// holds from the start of the next life on, before all has been counted. It is
// written before that much is used, in steps of 1/64 of the budget, and with
// the true number at Close.
type usage struct {
	mu      sync.Mutex // guards what the file says
	bytes   int64
	entries int64
}

const usageSize = 8 + 8 + 8 + 4 // magic, bytes, entries, CRC-32C

// readUsage sets what is unknown. Without the file it is the whole budget; so
// until all has been counted every new object costs an old one.
func (s *Store) readUsage() {
	b := &s.budget
	b.unknown, b.unknownEntries = b.max, s.opt.MaxEntries
	if _, err := s.fs.ReadDir(s.path("objects")); os.IsNotExist(err) {
		b.unknown, b.unknownEntries = 0, 0
		return
	}
	f, err := s.fs.OpenFile(s.path("usage"), os.O_RDONLY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	var file [usageSize]byte
	if n, _ := f.ReadAt(file[:], 0); n != usageSize || string(file[:8]) != magic || crc32.Checksum(file[:24], castagnoli) != le.Uint32(file[24:]) {
		return
	}
	b.unknown = int64(le.Uint64(file[8:]))
	b.unknownEntries = int64(le.Uint64(file[16:]))
	s.usage.bytes, s.usage.entries = b.unknown, b.unknownEntries
}

// raiseUsage makes sure that the file says at least so much.
func (s *Store) raiseUsage(bytes, entries int64) {
	u := &s.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	if bytes <= u.bytes && entries <= u.entries {
		return
	}
	u.bytes = max(u.bytes, min(bytes+s.opt.MaxBytes/64, s.opt.MaxBytes))
	u.entries = max(u.entries, min(entries+s.opt.MaxEntries/64, s.opt.MaxEntries))
	s.writeUsage(u.bytes, u.entries)
}

// writeUsage writes the file, aside and renamed. If it fails there is none.
func (s *Store) writeUsage(bytes, entries int64) {
	file := le.AppendUint64([]byte(magic), uint64(bytes))
	file = le.AppendUint64(file, uint64(entries))
	file = le.AppendUint32(file, crc32.Checksum(file, castagnoli))
	if err := s.writeFile(s.path("usage.new"), file); err == nil {
		if s.fs.Rename(s.path("usage.new"), s.path("usage")) == nil {
			return
		}
	}
	_ = s.fs.Remove(s.path("usage"))
}

// writeFile writes a new file.
func (s *Store) writeFile(name string, content []byte) error {
	err := s.fs.WriteFile(name, content)
	if err != nil {
		_ = s.fs.Remove(name)
	}
	return err
}
