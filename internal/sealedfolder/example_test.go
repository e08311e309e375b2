package sealedfolder_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	keys, err := atrest.ParseKeys([]byte("k1 " + strings.Repeat("0f", 32)))
	if err != nil {
		panic(err)
	}
	ring := atrest.NewRing(func() *atrest.Keys { return keys })

	f, err := sealedfolder.Open(filepath.Join(dir, "notes"), ring, "notes")
	if err != nil {
		panic(err)
	}
	path := filepath.Join(f.Dir, "first")
	to, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	w := f.Writer(to, "note first")
	fmt.Fprint(w, "buy bread")
	if err := w.Close(); err != nil {
		panic(err)
	}
	to.Close()

	from, err := f.OpenFile(path, "note first")
	if err != nil {
		panic(err)
	}
	defer from.Close()
	text, err := io.ReadAll(from)
	fmt.Printf("%s %v\n", text, err)
	_, err = f.OpenFile(path, "note second")
	fmt.Println(strings.HasSuffix(err.Error(), "not what was sealed: chunk 0"))
	_, err = sealedfolder.Open(filepath.Join(dir, "notes"), nil, "notes")
	fmt.Println(err != nil)
	// Output:
	// buy bread <nil>
	// true
	// true
}
