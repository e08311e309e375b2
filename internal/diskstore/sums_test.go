package diskstore

import (
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"testing"
)

// seal gives a metadata file the length and the checksum that it should have.
func seal(file []byte) []byte {
	le.PutUint64(file[16:], uint64(len(file)))
	le.PutUint32(file[12:], crc32.Checksum(file[16:], castagnoli))
	return file
}

func TestCombine(t *testing.T) {
	data := content(1, 70_000)
	for _, n := range []int{0, 1, 2, 3, 7, 8, 100, 4095, 4096, 65_535, 65_536, 69_999, 70_000} {
		first, second := data[:len(data)-n], data[len(data)-n:]
		got := combine(crc32.Checksum(first, castagnoli), crc32.Checksum(second, castagnoli), uint32(n))
		if want := crc32.Checksum(data, castagnoli); got != want {
			t.Errorf("%d bytes: %08x, want %08x", n, got, want)
		}
	}
}

// Whatever the order in which parts come, pieces are those of a body that was
// written in one go.
func TestPieces(t *testing.T) {
	const size = 5*blockSize + 1000
	data := content(2, size)
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		var ps pieces
		there := make([]bool, size)
		for range 1 + r.IntN(40) {
			start := r.IntN(size)
			end := min(size, start+1+r.IntN(3*blockSize))
			if r.IntN(3) == 0 {
				start = start &^ (blockSize - 1)
			}
			for at := int64(start); ; {
				hole := ps.missing(at, int64(end))
				if hole.Start >= hole.End {
					break
				}
				for i := hole.Start; i < hole.End; i++ {
					if there[i] {
						t.Fatalf("%v is not missing", hole)
					}
					there[i] = true
				}
				ps = ps.add(hole.Start, data[hole.Start:hole.End])
				at = hole.End
			}
			for i := start; i < end; i++ {
				if !there[i] {
					t.Fatalf("byte %d of [%d,%d) is missing still", i, start, end)
				}
			}
		}
		b := Body{Size: size}
		ps.fill(&b)
		if !b.sound() {
			t.Fatalf("unsound: %+v", b)
		}
		if again := piecesOf(&b); !reflect.DeepEqual(again, ps) {
			t.Fatalf("%v became %v", ps, again)
		}
		covered := 0
		for _, p := range ps {
			covered += int(p.n)
			if sum := crc32.Checksum(data[p.start:p.end()], castagnoli); sum != p.sum || p.start>>blockShift != (p.end()-1)>>blockShift {
				t.Fatalf("piece %+v, its sum is %08x", p, sum)
			}
		}
		for _, b := range there {
			if b {
				covered--
			}
		}
		if covered != 0 {
			t.Fatalf("%d bytes too many are covered", covered)
		}
	}
}
