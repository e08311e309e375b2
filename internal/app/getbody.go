package app

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
)

// getBody is the body of a request, which may be sent more than once: after a
// redirect, or when it is tried again.
type getBody struct {
	parts  []getPiece
	length int64 // -1 when it is not known
	typ    string
	accept string
	once   bool // it is read from what can be read once
	opened bool
	method string
}

// getPiece is a part of a body: bytes, or a file.
type getPiece struct {
	text []byte
	file string // "-" is standard input
	g    *getting
}

// bodyFor makes the body of the requests for u, nil for none, and puts what
// belongs into the query there.
func (g *getting) bodyFor(u *url.URL) (*getBody, error) {
	c := g.conf
	switch {
	case c.Upload != "":
		return g.upload(u)
	case len(c.Body) == 0:
		return nil, nil
	case c.Body[0].Flag == "form" || c.Body[0].Flag == "form-string":
		return g.form()
	}
	text, json, err := g.data()
	if err != nil {
		return nil, err
	}
	if c.Query {
		if u.RawQuery != "" && len(text) > 0 {
			u.RawQuery += "&"
		}
		u.RawQuery += queryText(text)
		return nil, nil
	}
	b := &getBody{parts: []getPiece{{text: text}}, length: int64(len(text)), typ: "application/x-www-form-urlencoded", method: http.MethodPost}
	if json {
		b.typ, b.accept = "application/json", "application/json"
	}
	return b, nil
}

// queryText escapes what cannot stand in a query.
func queryText(text []byte) string {
	var b strings.Builder
	for _, c := range text {
		if c <= ' ' || c >= 0x7f || c == '#' || c == '"' || c == '<' || c == '>' {
			b.WriteString("%" + string("0123456789ABCDEF"[c>>4]) + string("0123456789ABCDEF"[c&15]))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// data joins what --data and its kin say. It is read once for all URLs.
func (g *getting) data() (text []byte, json bool, err error) {
	if g.dataRead {
		return g.dataText, g.dataJSON, nil
	}
	for i, part := range g.conf.Body {
		piece, err := g.dataPiece(part.Flag, part.Value)
		if err != nil {
			return nil, false, getFaultf(getReadError, "--%s %s: %w", part.Flag, part.Value, cause(err))
		}
		json = json || part.Flag == "json"
		if i > 0 && part.Flag != "json" {
			text = append(text, '&')
		}
		text = append(text, piece...)
	}
	g.dataText, g.dataJSON, g.dataRead = text, json, true
	return text, json, nil
}

func (g *getting) dataPiece(flag, value string) ([]byte, error) {
	name, isFile := strings.CutPrefix(value, "@")
	switch {
	case flag == "data-urlencode":
		return g.encodedPiece(value)
	case flag == "data-raw" || !isFile:
		return []byte(value), nil
	}
	text, err := g.readInput(name)
	if err == nil && (flag == "data" || flag == "data-ascii") {
		text = slices.DeleteFunc(text, func(c byte) bool { return c == '\r' || c == '\n' || c == 0 })
	}
	return text, err
}

// encodedPiece is a piece of --data-urlencode: TEXT, =TEXT, NAME=TEXT, @FILE or
// NAME@FILE.
func (g *getting) encodedPiece(value string) ([]byte, error) {
	at := strings.IndexAny(value, "=@")
	if at < 0 {
		return []byte(percent([]byte(value))), nil
	}
	name, text := value[:at], []byte(value[at+1:])
	if value[at] == '@' {
		var err error
		if text, err = g.readInput(value[at+1:]); err != nil {
			return nil, err
		}
	}
	if name != "" {
		name += "="
	}
	return []byte(name + percent(text)), nil
}

// percent encodes all but unreserved characters (RFC 3986 §2.3).
func percent(text []byte) string {
	return strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20")
}

func (g *getting) readInput(name string) ([]byte, error) {
	r, err := g.input(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// upload makes the body of --upload-file, and completes the URL.
func (g *getting) upload(u *url.URL) (*getBody, error) {
	name := g.conf.Upload
	b := &getBody{parts: []getPiece{{file: name, g: g}}, length: -1, method: http.MethodPut}
	if name == "-" || name == "." {
		b.parts[0].file, b.once = "-", true
		return b, nil
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, getFaultf(getReadError, "--upload-file %s: %w", name, cause(err))
	case info.IsDir():
		return nil, getFaultf(getReadError, "--upload-file %s: it is a folder; name a file", name)
	case info.Mode().IsRegular():
		b.length = info.Size()
	default:
		b.once = true
	}
	if strings.HasSuffix(u.Path, "/") && u.RawQuery == "" {
		*u = *u.JoinPath(url.PathEscape(path.Base(strings.ReplaceAll(name, "\\", "/"))))
	}
	return b, nil
}

// describe sets the fields of the content.
func (b *getBody) describe(req *http.Request, h *getHop) {
	if b == nil || !h.withBody {
		return
	}
	if b.typ != "" {
		req.Header.Set("Content-Type", b.typ)
	}
	if b.accept != "" {
		req.Header.Set("Accept", b.accept)
	}
}

var errOnce = errors.New("the body can be read once, and has to be sent again; give it as a file")

// open sets the body of a request.
func (b *getBody) open(req *http.Request) error {
	if b.once && b.opened {
		return &getFault{getNoRewind, errOnce}
	}
	b.opened = true
	body, err := b.reader()
	if err != nil {
		return err
	}
	req.Body, req.ContentLength = body, b.length
	if req.Header.Get("Transfer-Encoding") != "" {
		delete(req.Header, "Transfer-Encoding")
		req.ContentLength = -1
	}
	if req.ContentLength == 0 {
		body.Close()
		req.Body = http.NoBody
	}
	if !b.once {
		req.GetBody = func() (io.ReadCloser, error) { return b.reader() }
	}
	return nil
}

// reader opens all parts.
func (b *getBody) reader() (io.ReadCloser, error) {
	all := &getParts{}
	var readers []io.Reader
	for _, p := range b.parts {
		if p.file == "" {
			readers = append(readers, bytes.NewReader(p.text))
			continue
		}
		f, err := p.g.input(p.file)
		if err != nil {
			all.Close()
			return nil, getFaultf(getReadError, "read %s: %w", p.file, cause(err))
		}
		all.files = append(all.files, f)
		readers = append(readers, f)
	}
	all.Reader = io.MultiReader(readers...)
	return all, nil
}

// getParts reads the parts of a body.
type getParts struct {
	io.Reader
	files []io.Closer
}

// Close implements io.Closer.
func (p *getParts) Close() error {
	for _, f := range p.files {
		f.Close()
	}
	return nil
}
