package fastcgi_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/fcgi"
	"net/url"
	"strings"
	"testing"

	"freshet/fastcgi"
)

// each runs f with the standard library's server over each kind of socket.
func each(t *testing.T, h http.HandlerFunc, o fastcgi.Options, f func(t *testing.T, url string, h *fastcgi.Handler)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			o := o
			o.Address = goBackend(t, network, h)
			handler := newHandler(t, o)
			url, _ := serve(t, handler)
			f(t, url, handler)
		})
	}
}

func TestGet(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		env := fcgi.ProcessEnv(r)
		w.Header().Set("X-Name", "value")
		w.WriteHeader(201)
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.URL, r.Host, r.Header.Get("Authorization"), env["EXTRA"])
	}, fastcgi.Options{Env: []string{"EXTRA=more"}}, func(t *testing.T, url string, h *fastcgi.Handler) {
		c := newClient(t)
		for range 3 {
			req, _ := http.NewRequest("GET", url+"/a/b?c=d", nil)
			req.Header.Set("Authorization", "Basic eDp5")
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			want := "GET http://" + req.Host + "/a/b?c=d " + req.Host + " Basic eDp5 more"
			if resp.StatusCode != 201 || resp.Header.Get("X-Name") != "value" || string(body) != want {
				t.Fatalf("%s %v %q, want %q", resp.Status, resp.Header, body, want)
			}
		}
		if p := h.Pool(); p.Dials != 1 || p.Reused != 2 || p.Open != 1 || p.Idle != 1 {
			t.Errorf("%+v: the connection was not kept", p)
		}
	})
}

func TestForm(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %d", r.PostFormValue("name"), r.ContentLength)
	}, fastcgi.Options{}, func(t *testing.T, u string, h *fastcgi.Handler) {
		resp, err := newClient(t).PostForm(u+"/", url.Values{"name": {"a value"}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, _ := io.ReadAll(resp.Body); string(b) != "a value 12" {
			t.Errorf("%q", b)
		}
	})
}

// Bodies of all sizes, with and without a length, come back.
func TestEcho(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Write(b)
	}, fastcgi.Options{}, func(t *testing.T, u string, h *fastcgi.Handler) {
		c := newClient(t)
		for _, size := range []int{0, 1, 7, 30 << 10, 40 << 10, 65527, 65528, 65529, 65536, 65537, 200_000, 3 << 20} {
			body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			for _, length := range []int64{int64(size), -1} {
				req, _ := http.NewRequest("POST", u+"/", io.MultiReader(bytes.NewReader(body)))
				req.ContentLength = length
				if size == 0 && length == 0 {
					req.Body = http.NoBody
				}
				resp, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !bytes.Equal(got, body) || resp.Header.Get("X-Length") != fmt.Sprint(size) {
					t.Errorf("%d octets, length %d: %s, %d octets came back, error %v, the backend saw %s", size, length, resp.Status, len(got), err, resp.Header.Get("X-Length"))
				}
			}
		}
	})
}

func TestUpload(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		f, header, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		n, _ := io.Copy(io.Discard, f)
		fmt.Fprintf(w, "%s %d", header.Filename, n)
	}, fastcgi.Options{}, func(t *testing.T, u string, h *fastcgi.Handler) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		part, _ := m.CreateFormFile("file", "a.bin")
		part.Write(make([]byte, 5<<20))
		m.Close()
		resp, err := newClient(t).Post(u+"/", m.FormDataContentType(), &b)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, _ := io.ReadAll(resp.Body); string(got) != fmt.Sprintf("a.bin %d", 5<<20) {
			t.Errorf("%q", got)
		}
	})
}

// What a backend flushes arrives before it goes on.
func TestStreaming(t *testing.T) {
	next := make(chan struct{})
	each(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "part %d\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	}, fastcgi.Options{}, func(t *testing.T, u string, h *fastcgi.Handler) {
		resp, err := newClient(t).Get(u + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for i := range 3 {
			want := fmt.Sprintf("part %d\n", i)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
				t.Fatalf("%q, %v", got, err)
			}
			next <- struct{}{}
		}
	})
}

func TestLongAnswer(t *testing.T) {
	text := strings.Repeat("all work and no play\n", 100_000)
	each(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, text)
	}, fastcgi.Options{}, func(t *testing.T, u string, h *fastcgi.Handler) {
		if _, body := get(t, newClient(t), u+"/"); body != text {
			t.Errorf("%d octets, not %d", len(body), len(text))
		}
	})
}

func TestHead(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "not for you")
	}, fastcgi.Options{}, func(t *testing.T, u string, h *fastcgi.Handler) {
		c := newClient(t)
		for range 2 {
			resp, err := c.Head(u + "/")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Error(resp.Status)
			}
		}
		if p := h.Pool(); p.Dials != 1 {
			t.Errorf("%+v: the connection was not kept", p)
		}
	})
}
