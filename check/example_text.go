package check

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// exampleReceived is when the answers of examples come, and what their Date
// says that do not write one: Thu, 01 Oct 2026 12:00:00 GMT.
const (
	exampleReceived = 1790856000 * second
	exampleDate     = "Thu, 01 Oct 2026 12:00:00 GMT"
)

// exchange reads an example:
//
//	GET https://example.com/a HTTP/1.1     HTTP/1.1 200 OK
//	Accept-Encoding: gzip                  Cache-Control: max-age=60
//
//	                                       <p>body
//
// The target can be a path on http://example.com. The answer has the Date of
// the moment when it is received, unless it has another one, or the line
// "-Date". The body is what stands behind the empty line; without any its size
// is not known. Trailer lines are those of the third text.
func (e Example) exchange() (*Exchange, error) {
	x := &Exchange{Method: "GET", URL: "http://example.com/", RequestHeader: http.Header{}, Received: exampleReceived, BodySize: -1}
	if e.Request != "" {
		line, fields, _ := strings.Cut(e.Request, "\n")
		if err := x.requestLine(line); err != nil {
			return nil, err
		}
		fields, _ = cutHead(fields)
		if err := addLines(x.RequestHeader, fields); err != nil {
			return nil, err
		}
	}
	line, rest, _ := strings.Cut(e.Response, "\n")
	if err := x.statusLine(line); err != nil {
		return nil, err
	}
	fields, body := cutHead(rest)
	x.Header = http.Header{}
	if err := addLines(x.Header, fields); err != nil {
		return nil, err
	}
	if x.Header["Date"] == nil && !strings.Contains("\n"+fields, "\n-Date\n") {
		x.Header["Date"] = []string{exampleDate}
	}
	if body != "" {
		x.Body, x.BodySize = []byte(body), int64(len(body))
	}
	if e.Trailer != "" {
		x.Trailer = http.Header{}
		return x, addLines(x.Trailer, e.Trailer)
	}
	return x, nil
}

// requestLine takes a method and a target; the version may be left out.
func (x *Exchange) requestLine(line string) error {
	parts := strings.Fields(line)
	if len(parts) != 2 && len(parts) != 3 {
		return fmt.Errorf("request line %q of an example", line)
	}
	x.Method, x.URL = parts[0], parts[1]
	if strings.HasPrefix(x.URL, "/") {
		x.URL = "http://example.com" + x.URL
	}
	return nil
}

// statusLine takes a version and a status code; the phrase may be left out.
func (x *Exchange) statusLine(line string) error {
	proto, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(proto, "HTTP/") {
		return fmt.Errorf("status line %q of an example", line)
	}
	if !strings.Contains(proto, ".") {
		proto += ".0"
	}
	x.Proto, x.Status = proto, status
	return nil
}

// cutHead splits field lines, each with its line end, from a body.
func cutHead(s string) (fields, body string) {
	if strings.HasPrefix(s, "\n") {
		return "", s[1:]
	}
	fields, body, found := strings.Cut(s, "\n\n")
	if found || fields != "" && !strings.HasSuffix(fields, "\n") {
		fields += "\n"
	}
	return fields, body
}

// addLines adds field lines. A line that begins with a minus is none.
func addLines(h http.Header, fields string) error {
	for line := range strings.Lines(fields) {
		line = strings.TrimSuffix(line, "\n")
		name, value, ok := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "-"):
		case !ok:
			return fmt.Errorf("field line %q of an example", line)
		default:
			h.Add(name, strings.Trim(value, " \t"))
		}
	}
	return nil
}

// ok200 is the example of a usual answer with field lines.
func ok200(lines ...string) Example { return answered("200 OK", lines...) }

// answered is the example of an answer with a status and field lines. What
// stands behind an empty line is the body.
func answered(status string, lines ...string) Example {
	text := "HTTP/1.1 " + status + "\n" + strings.Join(lines, "\n")
	if !slices.Contains(lines, "") {
		text += "\n"
	}
	return Example{Response: text}
}

// asked gives an example a request with field lines, of which the first can be
// a request line instead.
func (e Example) asked(lines ...string) Example {
	if first, _, _ := strings.Cut(lines[0], " "); strings.HasSuffix(first, ":") {
		lines = append([]string{"GET / HTTP/1.1"}, lines...)
	}
	e.Request = strings.Join(lines, "\n") + "\n"
	return e
}

// over gives the answer of an example another version.
func (e Example) over(proto string) Example {
	_, rest, _ := strings.Cut(e.Response, " ")
	e.Response = proto + " " + rest
	return e
}
