package atrest_test

import (
	"fmt"

	"freshet/internal/atrest"
)

func Example() {
	keys, err := atrest.ParseKeys([]byte("k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ring := atrest.NewRing(func() *atrest.Keys { return keys })
	sealed := ring.Seal(nil, []byte("what nobody else may read"), "example")
	plain, key, err := ring.Open(nil, sealed, "example")
	fmt.Printf("%s, by %s, %v\n", plain, key, err)
	_, _, err = ring.Open(nil, sealed[:len(sealed)-1], "example")
	fmt.Println(err)
	// Output:
	// what nobody else may read, by k1, <nil>
	// not what was sealed: chunk 0
}
