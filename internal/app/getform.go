package app

import (
	"crypto/rand"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"strings"
)

// form makes a multipart/form-data body (RFC 7578).
func (g *getting) form() (*getBody, error) {
	boundary := "------------------------" + strings.ToLower(rand.Text()[:22])
	b := &getBody{typ: "multipart/form-data; boundary=" + boundary, method: "POST"}
	for _, part := range g.conf.Body {
		if err := g.formPart(b, boundary, part.Flag == "form-string", part.Value); err != nil {
			return nil, err
		}
	}
	b.add([]byte("--" + boundary + "--\r\n"))
	return b, nil
}

// add adds bytes to a body.
func (b *getBody) add(text []byte) {
	b.parts = append(b.parts, getPiece{text: text})
	if b.length >= 0 {
		b.length += int64(len(text))
	}
}

// addFile adds a file to a body.
func (b *getBody) addFile(g *getting, name string) error {
	piece := getPiece{file: name, g: g}
	b.parts = append(b.parts, piece)
	if name == "-" {
		b.once, b.length = true, -1
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		b.once, b.length = true, -1
	case b.length >= 0:
		b.length += info.Size()
	}
	return nil
}

// formPart adds a part: NAME=CONTENT with ;type= and the like behind it.
func (g *getting) formPart(b *getBody, boundary string, literal bool, text string) error {
	name, content, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return getFaultf(exitUsage, "bad value %q for --form: give a name, = and the content, or @ and a file", text)
	}
	var p formPart
	if literal {
		p.content = content
	} else if err := p.parse(content); err != nil {
		return getFaultf(exitUsage, "bad value %q for --form: %w", text, err)
	}
	disposition := "form-data; name=" + quoted(name)
	if p.file && p.name == "" {
		p.name = filepath.Base(p.content)
	}
	if p.name != "" {
		disposition += "; filename=" + quoted(p.name)
	}
	head := "--" + boundary + "\r\nContent-Disposition: " + disposition + "\r\n"
	if p.typ == "" && p.file {
		if p.typ = typeOfFile(p.name); p.typ == "" {
			p.typ = typeOfFile(p.content)
		}
		if p.typ == "" {
			p.typ = "application/octet-stream"
		}
	}
	if p.typ != "" {
		head += "Content-Type: " + p.typ + "\r\n"
	}
	for _, h := range p.headers {
		head += h + "\r\n"
	}
	b.add([]byte(head + "\r\n"))
	if p.file || p.inline {
		if err := b.addFile(g, p.content); err != nil {
			return getFaultf(getReadError, "--form %s: %s: %w", text, p.content, cause(err))
		}
	} else {
		b.add([]byte(p.content))
	}
	b.add([]byte("\r\n"))
	return nil
}

// quoted is a parameter of Content-Disposition as browsers write it (RFC 7578
// §2, WHATWG multipart/form-data).
func quoted(s string) string {
	return `"` + strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(s) + `"`
}

// typeOfFile is the media type that the name of a file stands for, "" if it is
// not known.
func typeOfFile(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".txt":
		return "text/plain"
	case ".html", ".htm":
		return "text/html"
	case ".xml":
		return "application/xml"
	}
	return mime.TypeByExtension(filepath.Ext(name))
}

// formPart is what --form says of a part.
type formPart struct {
	content string // or the name of a file
	file    bool   // a file, with its name
	inline  bool   // the content of a file
	typ     string
	name    string
	headers []string
}

func (p *formPart) parse(text string) error {
	switch {
	case strings.HasPrefix(text, "@"):
		p.file, text = true, text[1:]
	case strings.HasPrefix(text, "<"):
		p.inline, text = true, text[1:]
	}
	word, rest := formWord(text)
	p.content = word
	for rest != "" {
		key, after, ok := strings.Cut(rest[1:], "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok {
			return fmt.Errorf("after ; there is type=, filename= or headers=")
		}
		word, rest = formWord(after)
		switch key {
		case "type":
			// The parameters of a media type are divided by ; too.
			for rest != "" && !knownFormKey(rest[1:]) {
				var more string
				more, rest = formWord(rest[1:])
				word += "; " + strings.TrimSpace(more)
			}
			p.typ = word
		case "filename":
			p.name = word
		case "headers":
			if f, err := readHeader(word); err != nil || len(f) != 1 {
				return fmt.Errorf("headers= is followed by a name, a colon and a value")
			}
			p.headers = append(p.headers, word)
		default:
			return fmt.Errorf("after ; there is type=, filename= or headers=; quote a content that has a ;")
		}
		if strings.ContainsAny(word, "\r\n\x00") && key != "filename" {
			return fmt.Errorf("%s= has the end of a line", key)
		}
	}
	return nil
}

func knownFormKey(s string) bool {
	key, _, _ := strings.Cut(strings.TrimSpace(s), "=")
	switch strings.ToLower(key) {
	case "type", "filename", "headers":
		return true
	}
	return false
}

// formWord takes a word, perhaps in quotes, up to ";".
func formWord(s string) (word, rest string) {
	if !strings.HasPrefix(s, `"`) {
		if i := strings.IndexByte(s, ';'); i >= 0 {
			return s[:i], s[i:]
		}
		return s, ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			if j := strings.IndexByte(s[i:], ';'); j >= 0 {
				return b.String(), s[i+j:]
			}
			return b.String(), ""
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
