//go:build unix

package cgi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"freshet/cgi"
)

// A folder of programs.
func Example() {
	dir, err := os.MkdirTemp("", "cgi-bin-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // programs run as another user when the server is root
	program := "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\necho \"Hello, $PATH_INFO?$QUERY_STRING\"\n"
	if err := os.WriteFile(filepath.Join(dir, "hello"), []byte(program), 0o755); err != nil {
		fmt.Println(err)
		return
	}

	h, err := cgi.New(cgi.Options{Dir: dir, Prefix: "/cgi-bin"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	srv := httptest.NewServer(h)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/cgi-bin/hello/world?x=1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Printf("%s\n%s", resp.Status, body)

	// Output:
	// 200 OK
	// Hello, /world?x=1
}
