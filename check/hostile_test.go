package check

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"freshet/internal/field"
)

// What a server puts into its fields is shown by each format, not obeyed by the
// terminal that shows it.
func TestHostileFields(t *testing.T) {
	const evil = "\u009b31mEVIL\u202e\x9b"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var b [4096]byte
			c.Read(b[:])
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n")
			for _, name := range []string{"Content-Type", "Cache-Control", "Expires", "Date", "ETag", "Vary", "Set-Cookie", "Link", "Last-Modified", "Age", "Content-Language", "Cache-Status"} {
				io.WriteString(c, name+": "+evil+"\r\n")
			}
			io.WriteString(c, "\r\n")
			c.Close()
		}
	}()
	defer func() {
		l.Close()
		<-served
	}()
	c := New(Options{PassiveOnly: true})
	defer c.Close()
	u := &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
	report := &Report{Title: u.String(), Results: c.URL(t.Context(), u)}
	for _, format := range Formats {
		var b bytes.Buffer
		if err := report.Write(&b, format); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if !strings.Contains(text, "EVIL") || !utf8.ValidString(text) {
			t.Errorf("%v: %q", format, text)
		}
		for _, r := range text {
			if field.Obeyed(r) && r != '\n' && r != '\t' {
				t.Errorf("%v: has %q", format, r)
				break
			}
		}
		if strings.HasPrefix(text, "{") && !json.Valid(b.Bytes()) {
			t.Errorf("%v: no JSON", format)
		}
	}
}
