package conditional

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"testing"

	"freshet/internal/field"
)

func TestContentRange(t *testing.T) {
	tests := []struct {
		r    field.Range
		size int64
		want string
	}{
		{field.Range{Start: 0, Length: 5}, 10, "bytes 0-4/10"},
		{field.Range{Start: 9, Length: 1}, 10, "bytes 9-9/10"},
		{field.Range{Start: 42, Length: 1192}, -1, "bytes 42-1233/*"}, // RFC 9110 §14.4
		{field.Range{Start: 1<<63 - 2, Length: 1}, 1<<63 - 1, "bytes 9223372036854775806-9223372036854775806/9223372036854775807"},
	}
	for _, tt := range tests {
		if got := string(AppendContentRange([]byte("x"), tt.r, tt.size)); got != "x"+tt.want {
			t.Errorf("AppendContentRange(%v, %d) = %q, want %q", tt.r, tt.size, got, tt.want)
		}
	}
	if got := string(AppendUnsatisfied([]byte("x"), 1234)); got != "xbytes */1234" {
		t.Errorf("AppendUnsatisfied = %q", got)
	}
}

// TestMultipart reads the bodies with mime/multipart, and compares their
// length with what MultipartLength promised.
func TestMultipart(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 101)
	for _, contentType := range []string{"", "text/plain; charset=utf-8"} {
		for _, size := range []int64{int64(len(content)), -1} {
			for _, ranges := range [][]field.Range{
				{{Start: 0, Length: 1}},
				{{Start: 0, Length: 10}, {Start: 9, Length: 1}},
				{{Start: 1000, Length: 10}, {Start: 99, Length: 2}, {Start: 0, Length: 1010}},
			} {
				const boundary = "3d6b6a416f9b5"
				var body []byte
				for i, r := range ranges {
					body = AppendPartHead(body, boundary, contentType, r, size, i == 0)
					body = append(body, content[r.Start:r.Start+r.Length]...)
				}
				body = AppendMultipartEnd(body, boundary)
				if n := MultipartLength(ranges, size, boundary, contentType); n != int64(len(body)) {
					t.Errorf("%v of %d: MultipartLength = %d, body has %d", ranges, size, n, len(body))
				}
				_, params, err := mime.ParseMediaType(string(AppendMultipartType(nil, boundary)))
				if err != nil {
					t.Fatal(err)
				}
				mr := multipart.NewReader(bytes.NewReader(body), params["boundary"])
				for _, r := range ranges {
					p, err := mr.NextRawPart()
					if err != nil {
						t.Fatalf("%v: %v in %q", ranges, err, body)
					}
					got, err := io.ReadAll(p)
					if err != nil || !bytes.Equal(got, content[r.Start:r.Start+r.Length]) {
						t.Errorf("%v: part is %q, %v", r, got, err)
					}
					if cr := p.Header.Get("Content-Range"); cr != string(AppendContentRange(nil, r, size)) {
						t.Errorf("%v: Content-Range %q", r, cr)
					}
					if ct := p.Header.Get("Content-Type"); ct != contentType {
						t.Errorf("%v: Content-Type %q", r, ct)
					}
				}
				if _, err := mr.NextRawPart(); err != io.EOF {
					t.Errorf("after the last part: %v", err)
				}
			}
		}
	}
}
