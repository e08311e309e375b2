package coding

import (
	"bytes"
	"testing"

	"freshet/internal/field"
)

func TestDecode(t *testing.T) {
	for name, src := range map[string][]byte{"empty": {}, "small": prose(300), "script": prose(8000)} {
		for _, c := range append(codings, field.Identity) {
			enc, err := Encode(nil, c, src, Quick)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(c, enc, int64(len(src)))
			if err != nil || !bytes.Equal(got, src) {
				t.Errorf("%s in %v: %d bytes, %v", name, c, len(got), err)
			}
			if len(src) == 0 {
				continue
			}
			if _, err := Decode(c, enc, int64(len(src))-1); err == nil {
				t.Errorf("%s in %v: more than the bound", name, c)
			}
			if c == field.Identity {
				continue
			}
			if _, err := Decode(c, enc[:len(enc)-1], 1<<20); err == nil {
				t.Errorf("%s in %v: cut off", name, c)
			}
			if _, err := Decode(c, []byte("nonsense of some length"), 1<<20); err == nil {
				t.Errorf("nonsense in %v", c)
			}
			if _, err := Decode(c, nil, 1<<20); err == nil {
				t.Errorf("nothing in %v", c)
			}
		}
	}
	if _, err := Decode(field.NumCodings, nil, 1); err == nil {
		t.Error("an unknown coding was decoded")
	}
}
