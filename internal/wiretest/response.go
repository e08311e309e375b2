package wiretest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// response is one answer as it came.
type response struct {
	head    bool // it answers HEAD
	raw     string
	version string
	status  int
	fields  []line
	body    string
	trailer []line
	toEnd   bool // the end of the connection ended the body
}

type line struct{ name, value string }

// get joins the values of the lines of a name.
func get(lines []line, name string) (value string, ok bool) {
	for _, l := range lines {
		if !strings.EqualFold(l.name, name) {
			continue
		}
		if ok {
			value += ", "
		}
		value += l.value
		ok = true
	}
	return value, ok
}

func count(lines []line, name string) int {
	n := 0
	for _, l := range lines {
		if strings.EqualFold(l.name, name) {
			n++
		}
	}
	return n
}

var (
	statusLine = regexp.MustCompile(`^HTTP/(\d\.\d) (\d{3}) ([^\x00-\x08\x0a-\x1f\x7f]*)\r\n$`)
	// Stricter than the grammar: a server of ours has one way to write a field.
	fieldLine = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([^\\x00-\\x20\\x7f](?:[^\\x00-\\x08\\x0a-\\x1f\\x7f]*[^\\x00-\\x20\\x7f])?)?\r\n$")
	chunkLine = regexp.MustCompile(`^([0-9a-f]{1,8})\r\n$`)
)

// readResponse reads one response by its framing (RFC 9112 §6.3). On an error
// it returns what was understood before it.
func readResponse(r *bufio.Reader, head bool) (*response, error) {
	p := &response{head: head}
	var err error
	p.raw, err = r.ReadString('\n')
	if err != nil {
		return p, fmt.Errorf("read status line: %w after %q", err, p.raw)
	}
	parts := statusLine.FindStringSubmatch(p.raw)
	if parts == nil {
		return p, fmt.Errorf("not a status line: %q", p.raw)
	}
	p.version = parts[1]
	p.status, _ = strconv.Atoi(parts[2])
	if p.fields, err = p.readFields(r); err != nil {
		return p, err
	}
	return p, p.readBody(r)
}

func (p *response) readFields(r *bufio.Reader) ([]line, error) {
	var fields []line
	for {
		text, err := r.ReadString('\n')
		p.raw += text
		if err != nil {
			return fields, fmt.Errorf("read fields: %w after %q", err, text)
		}
		if text == "\r\n" {
			return fields, nil
		}
		parts := fieldLine.FindStringSubmatch(text)
		if parts == nil {
			return fields, fmt.Errorf("not a field line: %q", text)
		}
		fields = append(fields, line{parts[1], parts[2]})
	}
}

func (p *response) readBody(r *bufio.Reader) error {
	if p.head || p.status < 200 || p.status == 204 || p.status == 304 {
		return nil
	}
	if coding, ok := get(p.fields, "Transfer-Encoding"); ok {
		if coding != "chunked" {
			return fmt.Errorf("transfer coding %q", coding)
		}
		return p.readChunks(r)
	}
	if length, ok := get(p.fields, "Content-Length"); ok {
		n, err := strconv.ParseInt(length, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("content length %q", length)
		}
		body := make([]byte, n)
		got, err := io.ReadFull(r, body)
		p.body = string(body[:got])
		p.raw += p.body
		if err != nil {
			return fmt.Errorf("the body has %d of %d bytes: %w", got, n, err)
		}
		return nil
	}
	body, err := io.ReadAll(r)
	p.body, p.toEnd = string(body), true
	p.raw += p.body
	return err
}

func (p *response) readChunks(r *bufio.Reader) error {
	for {
		text, err := r.ReadString('\n')
		p.raw += text
		if err != nil {
			return fmt.Errorf("read chunk size: %w after %q", err, text)
		}
		parts := chunkLine.FindStringSubmatch(text)
		if parts == nil {
			return fmt.Errorf("not a chunk size: %q", text)
		}
		n, _ := strconv.ParseInt(parts[1], 16, 64)
		if n == 0 {
			p.trailer, err = p.readFields(r)
			return err
		}
		chunk := make([]byte, n+2)
		got, err := io.ReadFull(r, chunk)
		p.raw += string(chunk[:got])
		if err != nil {
			p.body += string(chunk[:min(got, int(n))])
			return fmt.Errorf("the chunk has %d of %d bytes: %w", got, n+2, err)
		}
		if string(chunk[n:]) != "\r\n" {
			return errors.New("a chunk does not end in CR LF")
		}
		p.body += string(chunk[:n])
	}
}
