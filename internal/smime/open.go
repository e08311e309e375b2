package smime

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

// A signedMessage is a signature and what it is about, taken out of a mail.
type signedMessage struct {
	kind     string
	head     *head  // of the mail, nil when there is none
	content  []byte // what stands beside the signature
	detached bool
	cms      []byte
	beside   int // bytes of the body that are not part of it
}

// openSigned finds the signature in a mail, or takes the message for one.
func openSigned(message []byte) (*signedMessage, *Problem) {
	if cms, ok := bare(message); ok {
		return &signedMessage{kind: "signed-data", cms: cms}, nil
	}
	h, body, ok := readHead(message)
	if !ok || !h.isMail() {
		return nil, problem("not-smime", "give a mail, or CMS as DER or PEM", "it is no mail, and no CMS")
	}
	if bareCR(message[:len(message)-len(body)]) {
		return nil, problem("bare-cr", "have it sent again", "the head of the mail has a carriage return alone, which some programs take for the end of a line")
	}
	kind, params, p := h.contentType()
	if p != nil {
		return nil, p
	}
	m := &signedMessage{head: h, kind: kind}
	switch {
	case kind == "multipart/signed":
		return m, m.openDetached(body, params)
	case isSMIME(kind, "mime"):
		if t := params["smime-type"]; t != "" && !strings.EqualFold(t, "signed-data") {
			return nil, problem("not-signed", "decrypt it first, if it is encrypted", "the mail is not signed but %s", t)
		}
		m.kind = "signed-data"
		m.cms, p = decodeBody(h, body)
		return m, p
	case strings.HasPrefix(kind, "multipart/"):
		return nil, problem("not-signed", "save the part that is signed, and look at that",
			"the mail is %s; a signature, if there is one inside, is not of the whole", kind)
	}
	return nil, problem("not-signed", "have it signed", "the mail is not signed; its type is %s", kind)
}

// isSMIME knows the type application/pkcs7-what, and its old form.
func isSMIME(kind, what string) bool {
	return kind == "application/pkcs7-"+what || kind == "application/x-pkcs7-"+what
}

// openDetached takes apart multipart/signed (RFC 1847 §2.1), which has two parts.
func (m *signedMessage) openDetached(body []byte, params map[string]string) *Problem {
	if p := params["protocol"]; p != "" && !isSMIME(strings.ToLower(p), "signature") {
		return problem("not-smime", "verify it with a program for that", "the mail is signed by another protocol: %s", p)
	}
	parts, beside, p := split(body, params["boundary"])
	if p != nil {
		return p
	}
	if len(parts) != 2 {
		return problem("parts", "have it sent again", "a signed mail has two parts, the text and its signature, and this one has %d", len(parts))
	}
	h, body, ok := readHead(parts[1])
	if !ok {
		return problem("parts", "have it sent again", "the second part of the mail has no head")
	}
	kind, _, p := h.contentType()
	switch {
	case p != nil:
		return p
	case !isSMIME(kind, "signature"):
		return problem("parts", "have it sent again", "the second part of the mail is no signature but %s", kind)
	}
	m.beside, m.detached, m.content = beside, true, canonical(parts[0])
	m.cms, p = decodeBody(h, body)
	return p
}

// split takes a multipart apart (RFC 2046 §5.1.1): parts are the bytes between
// delimiters, and the line end before a delimiter is its own.
func split(body []byte, boundary string) (parts [][]byte, beside int, p *Problem) {
	if boundary == "" || len(boundary) > 70 {
		return nil, 0, problem("parts", "have it sent again", "the mail does not say where its parts end")
	}
	mark := []byte("--" + boundary)
	start, at := -1, 0
	for at < len(body) {
		line := lineOf(body[at:])
		after, is := bytes.CutPrefix(line, mark)
		last := false
		if is {
			after = bytes.TrimRight(after, " \t\r\n")
			last = string(after) == "--"
			is = last || len(after) == 0
		}
		if is {
			if start >= 0 {
				parts = append(parts, withoutLineEnd(body[start:at]))
			} else {
				beside = len(bytes.TrimSpace(body[:at]))
			}
			start = at + len(line)
		}
		if at += len(line); last {
			return parts, beside + len(bytes.TrimSpace(body[at:])), nil
		}
	}
	return nil, 0, problem("cut-off", "have it sent again", "the mail was cut off: the end of its last part is missing")
}

func withoutLineEnd(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}

// decodeBody undoes the transfer coding of a part.
func decodeBody(h *head, body []byte) ([]byte, *Problem) {
	coding, p := h.one("Content-Transfer-Encoding")
	if p != nil {
		return nil, p
	}
	switch strings.ToLower(coding) {
	case "base64":
		b, err := decodeBase64(body)
		if err != nil {
			return nil, problem("bad-coding", "have it sent again; it may have been cut off on its way", "a part of the mail is no base64")
		}
		return b, nil
	case "", "binary", "8bit", "7bit":
		return body, nil
	}
	return nil, problem("bad-coding", "have it sent again", "a part of the mail has a transfer coding that is not used for it: %s", coding)
}

// decodeBase64 takes no characters for padding, or none, that do not belong there.
func decodeBase64(text []byte) ([]byte, error) {
	packed := make([]byte, 0, len(text))
	for _, c := range text {
		if c != '\r' && c != '\n' && c != ' ' && c != '\t' {
			packed = append(packed, c)
		}
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Strict().Decode(out, packed)
	return out[:n], err
}

// bare returns CMS that is in no mail.
func bare(message []byte) ([]byte, bool) {
	if len(message) > 2 && message[0] == tagSequence && message[1] >= 0x80 {
		return message, true
	}
	if !bytes.HasPrefix(bytes.TrimLeft(message, "\r\n\t "), []byte("-----BEGIN ")) {
		return nil, false
	}
	block, rest := pem.Decode(message)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 || block.Type != "CMS" && block.Type != "PKCS7" {
		return nil, false
	}
	return block.Bytes, true
}
