package fastcgi_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"net/http/httptest"
	"os"
	"time"

	"freshet/fastcgi"
)

// A site of PHP scripts, with its other files, and a front controller.
func Example() {
	h, err := fastcgi.New(fastcgi.Options{
		Address:  "unix:/run/php/php-fpm.sock",
		Root:     os.TempDir(),
		Files:    http.FileServer(http.Dir(os.TempDir())),
		Fallback: "/index.php",
		Conns:    10, // pm.max_children
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	fmt.Println(h.Is("/index.html"), h.Pool().Conns)
	// Output: false 10
}

// An application that speaks FastCGI gets all paths below a prefix.
func Example_application() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		fcgi.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path)
		}))
	}()
	h, err := fastcgi.New(fastcgi.Options{Address: l.Addr().String(), Prefix: "/app/", Idle: -1, Timeout: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/app/hello", nil))
	b, _ := io.ReadAll(w.Result().Body)
	fmt.Println(string(b))
	h.Close()
	l.Close()
	<-ended
	// Output: GET /app/hello
}
