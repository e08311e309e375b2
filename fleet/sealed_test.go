package fleet

import (
	"flag"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/keyfile"
)

// sealed has all tests of folders run with keys. Those that are about what is the
// same with keys and without run in both ways anyway; see eachForm.
var sealed = flag.Bool("sealed", false, "seal what tests keep")

// testRing is what tests keep their files with; nil: plain.
func testRing() *atrest.Ring {
	if *sealed {
		return ringOf("a", "b")
	}
	return nil
}

// ringOf is of keys by their names, the first of which seals.
func ringOf(names ...string) *atrest.Ring {
	keys := keysOf(names...)
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

func keysOf(names ...string) *atrest.Keys {
	var file []byte
	for _, name := range names {
		secret := make([]byte, atrest.SecretSize)
		copy(secret, name)
		file = append(file, keyfile.Key{Name: name, Secret: secret}.String()+"\n"...)
	}
	keys, err := atrest.ParseKeys(file)
	if err != nil {
		panic(err)
	}
	return keys
}

// plainOnly skips a test that is about names or sizes as they are without keys.
func plainOnly(t *testing.T) {
	if *sealed {
		t.Skip("names and sizes in the folder are others with keys")
	}
}
