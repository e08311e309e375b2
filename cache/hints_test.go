package cache

import (
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"testing"
)

func TestHintsOf(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{`</a.css>; rel=preload; as=style`, []string{`</a.css>; rel=preload; as=style`}},
		{`</a.css>; as=style; rel="x preload", <https://cdn.example>; rel=preconnect, </b>; rel=next`, []string{`</a.css>; as=style; rel="x preload"`, `<https://cdn.example>; rel=preconnect`}},
		{`</a,b;rel=preload>; rel=prefetch`, nil},
		{`</a>; rel=next; rel=preload`, nil},
		{`</a>`, nil},
		{`rel=preload`, nil},
	} {
		if got := hintsOf([]string{c.line}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.line, got)
		}
	}
}

func TestEarlyHints(t *testing.T) {
	w := newWorld(t, Options{EarlyHints: true}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload, </b>; rel=next")
		w.Header().Set("Cache-Control", "private")
		w.Write([]byte("page"))
	})
	srv := httptest.NewServer(w)
	defer srv.Close()
	ask := func() (hints []string) {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == 103 {
				hints = append(hints, h.Values("Link")...)
			}
			return nil
		}})
		r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header["Link"]; !slices.Equal(got, []string{"</a.css>; rel=preload, </b>; rel=next"}) {
			t.Errorf("the answer has Link %q", got)
		}
		return hints
	}
	if hints := ask(); hints != nil {
		t.Errorf("hints %q before there was an answer", hints)
	}
	if hints := ask(); !slices.Equal(hints, []string{"</a.css>; rel=preload"}) {
		t.Errorf("hints %q", hints)
	}
}
