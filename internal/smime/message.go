package smime

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// A Message is what is going to be signed or encrypted: a part of MIME, and the
// header fields of the mail that stay outside, where everybody reads them and
// nobody has signed them.
type Message struct {
	outside []byte // whole lines
	entity  []byte // with the line ends of mail
	eol     string // of what is made
}

// MessageOptions say what a text is. The zero value finds out.
type MessageOptions struct {
	// Binary takes the text as bytes that must not change, whatever they look like,
	// and makes an attachment of them.
	Binary bool

	// Name is that of the attachment.
	Name string

	// From, To and Subject are fields for a mail that has none of them.
	From, Subject string
	To            []string
}

// NewMessage makes a message of a mail, whose fields stay outside but for those
// of its content; or of any other text or bytes.
func NewMessage(text []byte, o MessageOptions) (*Message, error) {
	m := &Message{eol: "\n"}
	if line := lineOf(text); bytes.HasSuffix(line, []byte("\r\n")) {
		m.eol = "\r\n"
	}
	h, body, ok := readHead(text)
	switch {
	case o.Binary:
		m.eol = "\n"
		m.entity = attachment(text, o.Name)
	case ok && h.isMail():
		if bareCR(text[:len(text)-len(body)]) {
			return nil, errors.New("the head of the mail has a carriage return alone, which some programs take for the end of a line; take it out")
		}
		if err := m.takeMail(h, body); err != nil {
			return nil, err
		}
	case isText(text):
		body := canonical(text)
		m.entity = textPart("Content-Type: text/plain; charset="+charsetOf(text)+"\r\n", body)
	default:
		m.eol = "\n"
		m.entity = attachment(text, o.Name)
	}
	return m, m.addFields(&o)
}

// takeMail keeps the fields of a mail outside, as they are, and its body inside.
func (m *Message) takeMail(h *head, body []byte) error {
	var inside []byte
	for _, f := range h.fields {
		lines := f.lines
		if !bytes.HasSuffix(lines, []byte("\n")) {
			lines = append(lines[:len(lines):len(lines)], m.eol...)
		}
		switch {
		case isContent(f.name):
			inside = append(inside, canonical(lines)...)
		case !strings.EqualFold(f.name, "MIME-Version"):
			m.outside = append(m.outside, lines...)
		}
	}
	kind, _, p := h.contentType()
	if p != nil {
		return p
	}
	coding, p := h.one("Content-Transfer-Encoding")
	if p != nil {
		return p
	}
	if _, n := h.get("Content-Type"); n == 0 {
		inside = append(inside, "Content-Type: text/plain; charset="+charsetOf(body)+"\r\n"...)
	}
	body = canonical(body)
	plain := coding == "" || strings.EqualFold(coding, "7bit") || strings.EqualFold(coding, "8bit")
	if plain && !strings.HasPrefix(kind, "multipart/") && !strings.HasPrefix(kind, "message/") && isText(body) {
		m.entity = textPart(string(withoutCoding(inside)), body)
		return nil
	}
	m.entity = append(append(inside, "\r\n"...), body...)
	return nil
}

// withoutCoding takes off the transfer coding, for another one.
func withoutCoding(lines []byte) []byte {
	h, _, _ := readHead(lines)
	var out []byte
	for _, f := range h.fields {
		if !strings.EqualFold(f.name, "Content-Transfer-Encoding") {
			out = append(out, f.lines...)
		}
	}
	return out
}

// isText reports whether bytes are lines that mail can carry without change of
// what they say.
func isText(b []byte) bool {
	for i, c := range b {
		if c < ' ' && c != '\n' && c != '\t' && c != '\f' && (c != '\r' || i+1 == len(b) || b[i+1] != '\n') {
			return false
		}
	}
	return utf8.Valid(b)
}

func charsetOf(b []byte) string {
	for _, c := range b {
		if c >= 0x80 {
			return "utf-8"
		}
	}
	return "us-ascii"
}

// textPart makes a part of text, in a coding that keeps it as it is on its way
// (RFC 8551 §3.1.2 and §3.1.3): some programs cut long lines and spaces at their
// ends, count on 7 bits, or mark lines that begin with "From ".
func textPart(head string, body []byte) []byte {
	safe := true
	for line := range bytes.Lines(body) {
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		if len(line) > 998 || bytes.HasSuffix(line, []byte(" ")) || bytes.HasSuffix(line, []byte("\t")) || bytes.HasPrefix(line, []byte("From ")) {
			safe = false
		}
	}
	var b bytes.Buffer
	if b.WriteString(head); safe && charsetOf(body) == "us-ascii" {
		b.WriteString("Content-Transfer-Encoding: 7bit\r\n\r\n")
		b.Write(body)
		return b.Bytes()
	}
	b.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
	var coded bytes.Buffer
	w := quotedprintable.NewWriter(&coded)
	w.Write(body) // to memory
	w.Close()
	for line := range bytes.Lines(coded.Bytes()) {
		if rest, ok := bytes.CutPrefix(line, []byte("From ")); ok {
			b.WriteString("=46rom ")
			line = rest
		}
		b.Write(line)
	}
	return b.Bytes()
}

// attachment makes a part of bytes.
func attachment(content []byte, name string) []byte {
	disposition := "attachment"
	if name != "" {
		if d := mime.FormatMediaType(disposition, map[string]string{"filename": name}); d != "" {
			disposition = d
		}
	}
	head := "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: " + disposition + "\r\n\r\n"
	return append([]byte(head), base64Lines(content)...)
}

// base64Lines codes in lines of 64 characters.
func base64Lines(b []byte) []byte {
	const width = 64
	text := base64.StdEncoding.AppendEncode(nil, b)
	out := make([]byte, 0, len(text)+len(text)/width*2+2)
	for len(text) > 0 {
		n := min(width, len(text))
		out = append(append(out, text[:n]...), "\r\n"...)
		text = text[n:]
	}
	return out
}

// addFields puts fields outside that the mail does not have.
func (m *Message) addFields(o *MessageOptions) error {
	h, _, _ := readHead(m.outside)
	var add []byte
	field := func(name, value string) error {
		if value == "" {
			return nil
		}
		if _, n := h.get(name); n > 0 {
			return fmt.Errorf("the mail has a field %s already; leave the other one out", name)
		}
		add = append(add, name+": "+value+m.eol...)
		return nil
	}
	from, err := addressList(o.From)
	if err != nil {
		return err
	}
	to, err := addressList(o.To...)
	if err != nil {
		return err
	}
	if strings.ContainsFunc(o.Subject, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("the subject has characters that are not shown; leave them out")
	}
	err = errors.Join(field("From", from), field("To", to), field("Subject", mime.QEncoding.Encode("utf-8", o.Subject)))
	m.outside = append(add, m.outside...)
	return err
}

func addressList(texts ...string) (string, error) {
	var all []string
	for _, t := range texts {
		if t == "" {
			continue
		}
		a, err := mail.ParseAddress(t)
		if err != nil {
			return "", fmt.Errorf("%q is no mail address; give one such as alice@example.org", t)
		}
		all = append(all, a.String())
	}
	return strings.Join(all, ", "), nil
}

// write makes the mail: outer fields, those of the new content, and the body,
// which have the line ends of mail.
func (m *Message) write(content string, body ...[]byte) []byte {
	made := []byte("MIME-Version: 1.0\r\n" + content + "\r\n")
	for _, b := range body {
		made = append(made, b...)
	}
	if m.eol == "\n" {
		made = bytes.ReplaceAll(made, []byte("\r\n"), []byte("\n"))
	}
	return append(bytes.Clone(m.outside), made...)
}

// Sign makes a signed mail.
func (m *Message) Sign(o SignOptions) ([]byte, error) {
	if !o.Opaque {
		if err := m.sevenBit(); err != nil {
			return nil, err
		}
	}
	der, d, err := signCMS(m.entity, &o)
	if err != nil {
		return nil, err
	}
	if o.Opaque {
		return m.write("Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"+
			"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m\r\n", base64Lines(der)), nil
	}
	boundary := m.boundary()
	return m.write("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n\tmicalg="+d.name+"; boundary=\""+boundary+"\"\r\n",
		[]byte("--"+boundary+"\r\n"), m.entity,
		[]byte("\r\n--"+boundary+"\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"+
			"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7s\r\n\r\n"),
		base64Lines(der), []byte("--"+boundary+"--\r\n")), nil
}

// sevenBit refuses what a mail server may recode, or cut, and so break the
// signature (RFC 8551 §3.1.3).
func (m *Message) sevenBit() error {
	for line := range bytes.Lines(m.entity) {
		if len(line) > 1000 {
			return errors.New("the mail has lines of more than 998 bytes, which servers cut; code its parts as quoted-printable or base64, or sign it opaquely")
		}
		for i, c := range line {
			if c >= 0x80 || c == 0 || c == '\r' && (i+1 == len(line) || line[i+1] != '\n') {
				return errors.New("the mail has parts that are no 7-bit text, which servers may recode; code them as quoted-printable or base64, or sign it opaquely")
			}
		}
	}
	return nil
}

// boundary returns one that is nowhere in the text.
func (m *Message) boundary() string {
	for {
		b := make([]byte, 16)
		rand.Read(b) // never fails
		if s := "=_" + hex.EncodeToString(b); !bytes.Contains(m.entity, []byte(s)) {
			return s
		}
	}
}

// Body returns what a part of MIME says, without its head and transfer coding.
func Body(entity []byte) ([]byte, error) {
	h, body, ok := readHead(entity)
	if !ok {
		return nil, errors.New("it has no head; take it as it is")
	}
	kind, _, p := h.contentType()
	if p != nil {
		return nil, p
	}
	if strings.HasPrefix(kind, "multipart/") {
		return nil, fmt.Errorf("it is %s, of several parts; take it as it is", kind)
	}
	coding, p := h.one("Content-Transfer-Encoding")
	if p != nil {
		return nil, p
	}
	if !strings.EqualFold(coding, "quoted-printable") {
		b, p := decodeBody(h, body)
		if p != nil {
			return nil, p
		}
		return b, nil
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(quotedprintable.NewReader(bytes.NewReader(body))); err != nil {
		return nil, fmt.Errorf("it is no quoted-printable: %w", err)
	}
	return b.Bytes(), nil
}
