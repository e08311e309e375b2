package cache

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/httpd"
)

// hotReply asks the hot path; nil when it declines.
func hotReply(t testing.TB, h *Handler, method, target string, fields []string) *http.Response {
	text := method + " " + target + " HTTP/1.1\r\nHost: e\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
	a := httpd.Answer{Scratch: make([]byte, 0, 4096)}
	if !h.ServeHot(parse(t, text), &a) {
		return nil
	}
	body := a.Body
	if a.File != nil {
		body = make([]byte, a.Size)
		if _, err := a.File.ReadAt(body, a.Offset); err != nil {
			t.Error(err)
		}
		a.Done.Release()
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append(append(bytes.Clone(a.Head), "\r\n"...), body...))), &http.Request{Method: method})
	if err != nil {
		t.Errorf("%q: %v", a.Head, err)
		return nil
	}
	if resp.StatusCode != a.Status {
		t.Errorf("status %d in the head, %d in the answer", resp.StatusCode, a.Status)
	}
	return resp
}

// sameReply compares what the hot path answered with what the other path did.
func sameReply(t testing.TB, method string, hot *http.Response, cold *httptest.ResponseRecorder) {
	t.Helper()
	body, err := io.ReadAll(hot.Body)
	if method == "HEAD" {
		body, err = nil, nil // the engine sends none
	}
	if err != nil || hot.StatusCode != cold.Code || string(body) != cold.Body.String() {
		t.Errorf("hot: %d %.80q %v, else %d %.80q", hot.StatusCode, body, err, cold.Code, cold.Body)
	}
	a, b := maps.Clone(hot.Header), maps.Clone(cold.Header())
	for _, h := range []http.Header{a, b} {
		if hot.StatusCode == 304 {
			h.Del("Content-Length")
		}
		maps.DeleteFunc(h, func(_ string, v []string) bool { return len(v) == 0 })
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("hot: %v\nelse %v", a, b)
	}
}
