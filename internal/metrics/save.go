package metrics

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// The file of the series is, in little endian:
//
//	"freshet series" 0 version(uint8)
//	minutes(uint32) hours(uint32)     how many points follow
//	Point…                            fields in their order, the oldest first
//	CRC-32C of all before             uint32
//
// A file that is not exactly this, to the last bit, is no file.
const (
	// FileName is the name of the file in the folder that Save is given.
	FileName = "series"

	magic   = "freshet series\x00"
	version = 1
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	pointBytes = binary.Size(Point{})
	headBytes  = len(magic) + 1 + 4 + 4
	maxBytes   = headBytes + pointBytes*int(lengths[Minutes]+lengths[Hours]) + 4
)

// Save writes the minutes and hours to a file in the folder dir, which it
// makes if need be. The file is replaced as a whole or not at all.
func (m *Metrics) Save(dir string) error {
	s := &m.series
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	minutes, hours := s.all(Minutes), s.all(Hours)
	s.mu.Unlock()
	if err := replace(filepath.Join(dir, FileName), encode(minutes, hours)); err != nil {
		return fmt.Errorf("save the series: %w", err)
	}
	return nil
}

// all returns the points from the newest back.
func (s *series) all(r Resolution) []Point {
	var newest int64
	for i := range s.rings[r] {
		newest = max(newest, s.rings[r][i].Time)
	}
	newest = max(newest, s.running[r].from)
	return s.points(r, 0, newest+steps[r], nil)
}

// replace writes a file beside path and renames it.
func replace(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync() // before the rename: else a power loss leaves an empty file
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Load takes up what Save wrote to dir, before the first Tick. That there is no
// file is no error. After any other error nothing was taken up, and the series
// start empty.
func (m *Metrics) Load(dir string) error {
	f, err := os.Open(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load the series: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, int64(maxBytes)+1))
	if err != nil {
		return fmt.Errorf("load the series: %w", err)
	}
	minutes, hours, err := decode(content)
	if err != nil {
		return fmt.Errorf("load the series from %s: %w", f.Name(), err)
	}
	m.series.mu.Lock()
	defer m.series.mu.Unlock()
	for _, p := range minutes {
		m.series.put(Minutes, p)
	}
	for _, p := range hours {
		m.series.put(Hours, p)
	}
	return nil
}

func encode(minutes, hours []Point) []byte {
	dst := append(make([]byte, 0, headBytes+pointBytes*(len(minutes)+len(hours))+4), magic...)
	dst = append(dst, version)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(minutes)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(hours)))
	for _, points := range [][]Point{minutes, hours} {
		dst, _ = binary.Append(dst, binary.LittleEndian, points) // a Point has a fixed size
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst, castagnoli))
}

var (
	errDamaged = errors.New("the file is damaged")
	errVersion = errors.New("the file is of another version of freshet")
)

func decode(content []byte) (minutes, hours []Point, err error) {
	if len(content) < headBytes+4 || len(content) > maxBytes || !bytes.HasPrefix(content, []byte(magic)) {
		return nil, nil, errDamaged
	}
	body, sum := content[:len(content)-4], content[len(content)-4:]
	if binary.LittleEndian.Uint32(sum) != crc32.Checksum(body, castagnoli) {
		return nil, nil, errDamaged
	}
	return decodeBody(body)
}

// decodeBody reads what the checksum is of.
func decodeBody(body []byte) (minutes, hours []Point, err error) {
	if body[len(magic)] != version {
		return nil, nil, errVersion
	}
	n := int64(binary.LittleEndian.Uint32(body[len(magic)+1:]))
	m := int64(binary.LittleEndian.Uint32(body[len(magic)+5:]))
	rest := body[headBytes:]
	if n > lengths[Minutes] || m > lengths[Hours] || len(rest) != pointBytes*int(n+m) {
		return nil, nil, errDamaged
	}
	points := make([]Point, n+m)
	if _, err := binary.Decode(rest, binary.LittleEndian, points); err != nil {
		return nil, nil, errDamaged
	}
	minutes, hours = points[:n:n], points[n:]
	if !sound(minutes, Minutes) || !sound(hours, Hours) {
		return nil, nil, errDamaged
	}
	return minutes, hours, nil
}

// sound reports whether points are such as points returns.
func sound(points []Point, r Resolution) bool {
	step, last := steps[r], int64(0)
	for _, p := range points {
		if p.Time <= last || p.Time%step != 0 || p.Time > math.MaxInt64-step || p.Seconds == 0 || int64(p.Seconds) > step {
			return false
		}
		for _, q := range []float32{p.P50, p.P90, p.P99} {
			if !(q >= 0) || math.IsInf(float64(q), 1) {
				return false
			}
		}
		last = p.Time
	}
	return len(points) == 0 || last-points[0].Time < step*lengths[r]
}
