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

// Programs among files: what has the extension is run, everything else is the
// next handler's.
func ExampleOptions() {
	dir, err := os.MkdirTemp("", "site-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	os.WriteFile(filepath.Join(dir, "about.txt"), []byte("A file.\n"), 0o644)
	os.WriteFile(filepath.Join(dir, "now.sh"), []byte("#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nA program.\\n'\n"), 0o755)

	h, err := cgi.New(cgi.Options{Dir: dir, Extensions: []string{".sh"}, Next: http.FileServer(http.Dir(dir))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	for _, path := range []string{"/about.txt", "/now.sh"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Printf("%s is for a program: %v\n%s", path, h.Is(path), w.Body)
	}

	// Output:
	// /about.txt is for a program: false
	// A file.
	// /now.sh is for a program: true
	// A program.
}
