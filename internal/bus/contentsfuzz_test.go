//go:build !nonats

package bus

import (
	"bytes"
	"errors"
	"testing"

	"freshet/internal/atrest"
)

// sealedContent is how a log is sealed by a record, without a server.
func sealedContent(f *testing.F, r *record) *content {
	keys, err := r.keys()
	if err != nil {
		f.Fatal(err)
	}
	c := &Conn{seal: sealRing(f, "k1")}
	c.keys.Store(keys)
	c.secrets = atrest.NewRing(c.keys.Load)
	return &content{c: c, stream: "log_jobs", from: 5}
}

// FuzzContents: of whatever is stored nothing is taken but what was sealed for its
// place, and what is plain before the number that the record has.
func FuzzContents(f *testing.F) {
	r := newRecord()
	r.Secrets[0] = fleetSecret{"a", bytes.Repeat([]byte{7}, atrest.SecretSize)}
	s := sealedContent(f, r)
	whole, err := s.pack([]byte("an entry"), entryWhat(s.stream, 7))
	if err != nil {
		f.Fatal(err)
	}
	for _, data := range [][]byte{whole, whole[:len(whole)-1], whole[:20], []byte("frshseal"), nil, []byte("{}"), append(bytes.Clone(whole), 0)} {
		f.Add(data, uint64(7))
		f.Add(data, uint64(4))
	}
	f.Fuzz(func(t *testing.T, data []byte, n uint64) {
		if name, err := atrest.KeyOf(data); err == nil && name != "a" {
			return // the record would be read anew, which needs a server
		}
		plain, by, err := s.unpack(t.Context(), n, data, entryWhat(s.stream, n))
		switch {
		case err != nil:
			if plain != nil || by != "" && !errors.Is(err, atrest.ErrNoKey) {
				t.Errorf("%q by %q beside %v", plain, by, err)
			}
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, atrest.ErrNoKey) {
				t.Errorf("%v", err)
			}
		case by != "":
			if n != 7 || string(plain) != "an entry" { // another process that fuzzes has sealed it with another salt
				t.Errorf("message %d opens: %x", n, data)
			}
		case n >= s.from || atrest.IsSealed(data) || !bytes.Equal(plain, data):
			t.Errorf("message %d is taken as plain: %x", n, data)
		}
		// What is put comes back.
		if sealed, err := s.pack(data, entryWhat(s.stream, n)); err != nil {
			t.Error(err)
		} else if back, _, err := s.unpack(t.Context(), n, sealed, entryWhat(s.stream, n)); err != nil || !bytes.Equal(back, data) {
			t.Errorf("%x comes back as %x, %v", data, back, err)
		}
	})
}

// FuzzRecord: a record is taken only as what was sealed, and its text, which only who
// has the keys can write, is read or refused.
func FuzzRecord(f *testing.F) {
	ring := sealRing(f, "k1")
	for _, text := range []string{
		`{"secrets":[{"id":"a","secret":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],"streams":{"log_jobs":1}}`,
		`{"secrets":[],"streams":{}}`, `{"secrets":[{"id":"a b","secret":"AA=="}]}`, `{}`, `[]`, ``,
		`{"secrets":[{"id":"a\nb","secret":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}`,
	} {
		f.Add([]byte(text))
		f.Add(ring.Pack([]byte(text), secretsWhat))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, _, _, err := unpackRecord(data, ring); err == nil && (r == nil || !atrest.IsSealed(data)) {
			t.Errorf("%q is taken", data)
		}
		r, keys, by, err := unpackRecord(ring.Pack(data, secretsWhat), ring)
		if err != nil {
			if r != nil || keys != nil {
				t.Errorf("%v beside %v", r, err)
			}
			return
		}
		if by != "k1" || keys.First() != r.Secrets[0].ID || r.Streams == nil {
			t.Errorf("by %q: %+v", by, r)
		}
		if _, err := r.pack(ring); err != nil {
			t.Error(err)
		}
	})
}
