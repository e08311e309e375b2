package atrest_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/atrest"
	"freshet/internal/keyfile"
	"freshet/internal/wiretest"
)

// line is the line of a key whose secret follows from its name.
func line(name string) string {
	secret := make([]byte, atrest.SecretSize)
	copy(secret, name)
	return keyfile.Key{Name: name, Secret: secret}.String() + "\n"
}

// ring returns a ring of keys, the first of which seals.
func ring(t testing.TB, names ...string) *atrest.Ring {
	t.Helper()
	text := ""
	for _, name := range names {
		text += line(name)
	}
	keys, err := atrest.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	r.Read(b)
	return b
}

func TestParseKeys(t *testing.T) {
	short := keyfile.Key{Name: "k", Secret: bytes.Repeat([]byte{0xf8}, 31)}.String()
	for _, c := range []struct{ file, want string }{
		{"", "there is no key"},
		{"# nothing\n\n", "there is no key"},
		{"k1\n", "line 1: a line is a name and a secret"},
		{line("a") + "k1 a b\n", "line 2: a line is a name and a secret"},
		{"k1 !!!\n", "line 1: the secret is neither base64url nor hexadecimal"},
		{short, "line 1: the secret of key k has 31 bytes; it needs 32"},
		{"a/b " + strings.Repeat("00", 32), `"a/b" is no name of a key`},
		{line("a") + line("a"), "there are two keys a"},
		{line("a") + "# old\n" + line("b"), ""},
		{"hex " + strings.Repeat("0f", 32), ""},
	} {
		_, err := atrest.ParseKeys([]byte(c.file))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.file, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: %v, want %s", c.file, err, c.want)
		}
	}
}

// sizes are about where chunks end.
var sizes = []int{0, 1, 15, 16, 17, 1000, 65535, 65536, 65537, 131071, 131072, 131073, 200_000}

func TestSealed(t *testing.T) {
	r := ring(t, "first")
	for _, n := range sizes {
		plain := content(uint64(n), n)
		sealed := r.Seal([]byte("before"), plain, "test")
		if !bytes.HasPrefix(sealed, []byte("before")) {
			t.Fatal("what was there has gone")
		}
		sealed = sealed[6:]
		if int64(len(sealed)) != r.SealedSize(int64(n)) || r.SealedSize(int64(n)) > atrest.MaxSealedSize(int64(n)) {
			t.Errorf("%d bytes: %d sealed, SealedSize says %d", n, len(sealed), r.SealedSize(int64(n)))
		}
		if n > 100 && bytes.Contains(sealed, plain[:16]) {
			t.Errorf("%d bytes: can be read", n)
		}
		if !atrest.IsSealed(sealed) || atrest.IsSealed(plain) {
			t.Error("IsSealed is wrong")
		}
		got, name, err := r.Open([]byte("x"), sealed, "test")
		if err != nil || name != "first" || !bytes.Equal(got[1:], plain) {
			t.Errorf("%d bytes: %d, key %q, %v", n, len(got), name, err)
		}
		if again := r.Seal(nil, plain, "test"); bytes.Equal(again, sealed) {
			t.Error("sealed twice, it is the same")
		}
	}
}

// TestDamaged has nothing open that is not what was sealed.
func TestDamaged(t *testing.T) {
	r := ring(t, "k")
	refused := func(what string, file []byte, purpose string) {
		t.Helper()
		if got, _, err := r.Open(nil, file, purpose); err == nil || len(got) > 0 {
			t.Errorf("%s: opened, %d bytes", what, len(got))
		} else if !errors.Is(err, atrest.ErrDamaged) && !errors.Is(err, atrest.ErrNoKey) && !strings.Contains(err.Error(), "knows form 1") {
			t.Errorf("%s: %v", what, err)
		}
	}
	small := r.Seal(nil, []byte("a few words"), "a")
	for n := range small {
		refused(fmt.Sprint("cut to ", n), small[:n], "a")
		for bit := range 8 {
			flipped := bytes.Clone(small)
			flipped[n] ^= 1 << bit
			refused(fmt.Sprint("bit ", bit, " of byte ", n), flipped, "a")
		}
	}
	refused("longer", append(bytes.Clone(small), 0), "a")
	refused("for something else", small, "b")
	refused("empty", nil, "a")

	const head, chunk = 8 + 2 + 1 + 32, 65536 + 16
	plain := content(1, 3*65536)
	large, other := r.Seal(nil, plain, "a"), r.Seal(nil, plain, "a")
	if len(large) != head+3*chunk {
		t.Fatalf("%d bytes", len(large))
	}
	at := func(file []byte, i int) []byte { return file[head+i*chunk:][:chunk] }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	refused("chunks swapped", join(large[:head], at(large, 1), at(large, 0), at(large, 2)), "a")
	refused("a chunk left out", join(large[:head], at(large, 0), at(large, 2)), "a")
	refused("a chunk twice", join(large[:head], at(large, 0), at(large, 0), at(large, 1), at(large, 2)), "a")
	refused("cut at a chunk", large[:head+2*chunk], "a")
	refused("no chunk", large[:head], "a")
	refused("a chunk of another", join(large[:head], at(large, 0), at(other, 1), at(large, 2)), "a")
	refused("the head of another", join(other[:head], large[head:]), "a")
	for n := 0; n < len(large); n += 997 {
		refused(fmt.Sprint("cut to ", n), large[:n], "a")
	}
}

func TestKeys(t *testing.T) {
	old, both, other := ring(t, "old"), ring(t, "new", "old"), ring(t, "other")
	sealed := old.Seal(nil, []byte("x"), "")
	if got, name, err := both.Open(nil, sealed, ""); err != nil || string(got) != "x" || name != "old" {
		t.Errorf("with the old key behind: %q, %s, %v", got, name, err)
	}
	if name, err := atrest.KeyOf(both.Seal(nil, nil, "")); err != nil || name != "new" {
		t.Errorf("the first key does not seal, but %s, %v", name, err)
	}
	if _, _, err := other.Open(nil, sealed, ""); !errors.Is(err, atrest.ErrNoKey) || !strings.Contains(err.Error(), "old") {
		t.Errorf("without the key: %v", err)
	}
	if !both.Has("old") || both.Has("other") || both.First() != "new" {
		t.Error("Has or First is wrong")
	}
	if a, b := both.Derive("old", "a"), both.Derive("old", "b"); len(a) != 32 || bytes.Equal(a, b) || !bytes.Equal(a, old.Derive("old", "a")) {
		t.Error("what is derived is not of key and purpose")
	}
	if both.Derive("other", "a") != nil {
		t.Error("derived of no key")
	}
}

func TestLine(t *testing.T) {
	r := ring(t, "k")
	sealed := r.SealLine(nil, []byte(`{"a":1}`), "7")
	if !atrest.IsSealedLine(sealed) || bytes.ContainsAny(sealed, "\n {") {
		t.Errorf("%s", sealed)
	}
	if got, _, err := r.OpenLine(nil, sealed, "7"); err != nil || string(got) != `{"a":1}` {
		t.Errorf("%s, %v", got, err)
	}
	for n := range sealed {
		if _, _, err := r.OpenLine(nil, sealed[:n], "7"); !errors.Is(err, atrest.ErrDamaged) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	for _, bad := range []string{"", "~", "~!", string(sealed) + "\n", string(sealed) + "="} {
		if _, _, err := r.OpenLine(nil, []byte(bad), "7"); !errors.Is(err, atrest.ErrDamaged) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, _, err := r.OpenLine(nil, sealed, "8"); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
}

func TestPen(t *testing.T) {
	r := ring(t, "k")
	pen := r.NewPen("file 1")
	room := atrest.NewPart()
	defer room.Free()
	open := func(with *atrest.Pen, sealed []byte, off int64, tag atrest.Tag) ([]byte, error) {
		copy(room.Data(len(sealed)), sealed)
		return with.Open(room, len(sealed), off, &tag)
	}
	again, err := r.PenOf(&pen.Mark, "file 1")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 1000, atrest.MaxPart} {
		plain := content(3, n)
		out, tag := pen.Seal(room, plain, 65536)
		sealed := bytes.Clone(out)
		if len(sealed) != n {
			t.Fatalf("%d bytes became %d", n, len(sealed))
		}
		if got, err := open(again, sealed, 65536, tag); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if _, err := open(again, sealed, 65537, tag); !errors.Is(err, atrest.ErrDamaged) {
			t.Errorf("%d bytes, in another place: %v", n, err)
		}
		if n > 0 {
			if _, err := open(again, sealed[:n-1], 65536, tag); !errors.Is(err, atrest.ErrDamaged) {
				t.Errorf("%d bytes, cut: %v", n, err)
			}
			sealed[n/2] ^= 1
		}
		tag[3] ^= 1
		if _, err := open(again, sealed, 65536, tag); !errors.Is(err, atrest.ErrDamaged) {
			t.Errorf("%d bytes, changed: %v", n, err)
		}
	}
	elsewhere, _ := r.PenOf(&pen.Mark, "file 2")
	out, tag := pen.Seal(room, []byte("abc"), 0)
	if _, err := open(elsewhere, bytes.Clone(out), 0, tag); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("of another file: %v", err)
	}
	if _, err := ring(t, "other").PenOf(&pen.Mark, "file 1"); !errors.Is(err, atrest.ErrNoKey) {
		t.Errorf("without the key: %v", err)
	}
}

func TestPartsAllocateNothing(t *testing.T) {
	r := ring(t, "k")
	pen := r.NewPen("x")
	plain := content(1, atrest.MaxPart)
	room := atrest.NewPart()
	sealed, tag := pen.Seal(room, plain, 0)
	kept := bytes.Clone(sealed)
	room.Free()
	if n := alloctest.PerRun(50, func() {
		room := atrest.NewPart()
		defer room.Free()
		copy(room.Data(len(kept)), kept)
		if _, err := pen.Open(room, len(kept), 0, &tag); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("to open a part allocates %v times", n)
	}
}

// TestMixed puts files together at random of what two sealed ones have: only
// what is one of them opens.
func TestMixed(t *testing.T) {
	r := ring(t, "k")
	chance := rand.New(rand.NewPCG(wiretest.Seed(t), 1))
	a, b := r.Seal(nil, content(1, 150_000), "x"), r.Seal(nil, content(2, 150_000), "x")
	for range 300 {
		cut, skip := chance.IntN(len(a)), chance.IntN(len(b))
		mixed := append(bytes.Clone(a[:cut]), b[skip:]...)
		if bytes.Equal(mixed, a) || bytes.Equal(mixed, b) {
			continue
		}
		if _, _, err := r.Open(nil, mixed, "x"); err == nil {
			t.Fatalf("%d bytes of one and all from %d on of another open", cut, skip)
		}
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, "k", "old")
	for _, n := range []int{0, 1, 100} {
		f.Add(r.Seal(nil, content(1, n), "f"))
		f.Add(r.SealLine(nil, content(1, n), "f"))
	}
	f.Add([]byte("frshseal"))
	f.Add([]byte("frshseal\x01\xffk"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, open := range []func(dst, file []byte, what string) ([]byte, string, error){r.Open, r.OpenLine} {
			plain, name, err := open(nil, file, "f")
			if err != nil {
				if len(plain) > 0 {
					t.Fatalf("%d bytes with %v", len(plain), err)
				}
				continue
			}
			if name != "k" && name != "old" {
				t.Fatalf("opened by key %q", name)
			}
		}
		// What is sealed is opened, whatever it is.
		if got, _, err := r.Open(nil, r.Seal(nil, file, "g"), "g"); err != nil || !bytes.Equal(got, file) {
			t.Fatal(err)
		}
	})
}

func BenchmarkOpenPart(b *testing.B) {
	pen := ring(b, "k").NewPen("x")
	room := atrest.NewPart()
	sealed, tag := pen.Seal(room, content(1, atrest.MaxPart), 0)
	kept := bytes.Clone(sealed)
	b.SetBytes(atrest.MaxPart)
	b.ReportAllocs()
	for b.Loop() {
		copy(room.Data(len(kept)), kept)
		if _, err := pen.Open(room, len(kept), 0, &tag); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealRecord(b *testing.B) {
	r := ring(b, "k")
	plain := content(1, 1000)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = r.Seal(dst[:0], plain, "x")
	}
}
