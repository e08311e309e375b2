package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"

	"freshet/internal/rule"
)

// Defaults of SpoolOptions.
const (
	DefaultSpoolMemory = 64 << 10
	DefaultSpool       = 256 << 20
)

// SpoolOptions bound what is kept aside of a body.
type SpoolOptions struct {
	Memory int64  // octets kept in memory; beyond it a file. 0: DefaultSpoolMemory
	Most   int64  // octets in all. 0: DefaultSpool
	Dir    string // of files, which have no name there (but on Windows until they are closed); "": os.TempDir
	Files  *Files // those of others, too; nil: they are not counted
}

// Files bounds the files of all bodies that are kept aside at a time, to
// spoolsAtOnce of the longest: those who send bodies need no turn for that.
// Answers for slow clients get half of that, so that there is room for bodies of
// requests. The zero value is ready.
type Files struct {
	octets atomic.Int64
	ahead  aheadTally
}

// spoolsAtOnce is how many of the longest bodies there is room for.
const spoolsAtOnce = 4

// aheadAtOnce is how many of the longest answers there is room for, beside as
// many bodies of requests.
const aheadAtOnce = spoolsAtOnce / 2

var errFiles = errors.New("the bodies that are kept aside have all the room that there is for them")

// take is false when there is no room for n octets more, which is for so many of
// the longest.
func (f *Files) take(n, longest, times int64) bool {
	if f == nil || (f.octets.Add(n)-1)/times < longest {
		return true
	}
	f.octets.Add(-n)
	return false
}

// Spooled is a body that has come to its end and whose length is known.
type Spooled struct {
	Size int64
	// File has the body from its start; nil when it is in memory. On Linux with
	// /proc it is for reading only: a program that gets it can keep nothing in it.
	File *os.File
	name string // of File, where it still has one
	data []byte

	files   *Files
	longest int64        // that a body may be
	taken   atomic.Int64 // of files
}

// Reader reads the body from its start.
func (s *Spooled) Reader() io.Reader {
	if s.File != nil {
		return io.NewSectionReader(s.File, 0, s.Size)
	}
	return bytes.NewReader(s.data)
}

// Close forgets the body.
func (s *Spooled) Close() {
	if s.File == nil {
		return
	}
	if n := s.taken.Swap(0); n > 0 {
		s.files.octets.Add(-n)
	}
	s.File.Close()
	if s.name != "" {
		os.Remove(s.name)
	}
}

// Spool reads a body to its end. Faults are rule.ScriptBodyTooLarge and
// rule.BodyTooLarge (a limit of the server's), rule.ScriptSpoolFailed with Err, and
// rule.ScriptClientGone when the body itself could not be read.
func Spool(body io.Reader, o SpoolOptions) (*Spooled, *Fault) {
	if o.Memory <= 0 {
		o.Memory = DefaultSpoolMemory
	}
	if o.Most <= 0 {
		o.Most = DefaultSpool
	}
	memory := min(o.Memory, o.Most)
	data, err := io.ReadAll(io.LimitReader(body, memory+1))
	switch {
	case err != nil:
		return nil, bodyFault(err)
	case int64(len(data)) <= memory:
		return &Spooled{Size: int64(len(data)), data: data}, nil
	case memory == o.Most:
		return nil, &Fault{Rule: rule.ScriptBodyTooLarge}
	}
	return spoolToFile(body, data, o)
}

func spoolToFile(body io.Reader, begun []byte, o SpoolOptions) (*Spooled, *Fault) {
	f, name, err := unnamed(o.Dir)
	if err != nil {
		return nil, &Fault{Rule: rule.ScriptSpoolFailed, Err: err}
	}
	s := &Spooled{File: f, name: name, files: o.Files, longest: o.Most}
	fault := s.fill(io.MultiReader(bytes.NewReader(begun), io.LimitReader(body, o.Most-int64(len(begun))+1)))
	if fault == nil && s.Size > o.Most {
		fault = &Fault{Rule: rule.ScriptBodyTooLarge}
	}
	if fault == nil {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			fault = &Fault{Rule: rule.ScriptSpoolFailed, Err: err}
		}
	}
	if fault != nil {
		s.Close()
		return nil, fault
	}
	s.File = onlyRead(f)
	return s, nil
}

// fill writes what comes to the file, and tells reading from writing.
func (s *Spooled) fill(from io.Reader) *Fault {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !s.files.take(int64(n), s.longest, spoolsAtOnce) {
				return &Fault{Rule: rule.ScriptSpoolFailed, Err: errFiles}
			}
			if s.files != nil {
				s.taken.Add(int64(n))
			}
			if _, werr := s.File.Write(buf[:n]); werr != nil {
				return &Fault{Rule: rule.ScriptSpoolFailed, Err: werr}
			}
			s.Size += int64(n)
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return bodyFault(err)
		}
	}
}

// bodyFault says why a client's body could not be read.
func bodyFault(err error) *Fault {
	var most *http.MaxBytesError
	if errors.As(err, &most) {
		return &Fault{Rule: rule.BodyTooLarge}
	}
	return &Fault{Rule: rule.ScriptClientGone, Err: err}
}
