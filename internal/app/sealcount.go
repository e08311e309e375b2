package app

import (
	"bytes"
	"errors"
	"io"
	"os"

	"freshet/internal/atrest"
)

// partHead begins each part.
var partHead = []byte("frshseal")

// countPart adds a file that is one part; one without is not counted.
func (b sealedBy) countPart(name string) error {
	head, err := headOf(name)
	if at := bytes.Index(head, partHead); err == nil && at >= 0 {
		err = b.add(name, head[at:])
	}
	return err
}

// countParts adds a file that consists of parts, once for each key that one of them
// is sealed by; one without is not counted, nor is what a crash has left of one.
func (b sealedBy) countParts(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	seen := map[string]bool{}
	buf := make([]byte, 0, 256<<10)
	for ended := false; !ended; {
		n, err := io.ReadFull(file, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if ended = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); err != nil && !ended {
			return err
		}
		rest := buf
		for {
			at := bytes.Index(rest, partHead)
			if at < 0 || !ended && len(rest)-at < sealHead {
				break
			}
			rest = rest[at:]
			if key, err := atrest.KeyOf(rest); err == nil {
				seen[key] = true
			} else if !errors.Is(err, atrest.ErrDamaged) {
				return &os.PathError{Op: "read", Path: name, Err: err}
			}
			rest = rest[1:]
		}
		// The beginning of one that goes on in what is read next.
		buf = append(buf[:0], rest[max(0, len(rest)-sealHead):]...)
	}
	for key := range seen {
		b[key]++
	}
	return nil
}
