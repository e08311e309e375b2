package notify

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/internal/alert"
)

// TLSMode says when a mail may go without TLS.
type TLSMode string

// The modes of a server whose TLS begins with STARTTLS.
const (
	TLSAuto     TLSMode = "auto"     // never, but to this machine itself
	TLSRequired TLSMode = "required" // never
	TLSOff      TLSMode = "off"      // always
)

// SMTP sends mails by one server (RFC 5321). net/smtp is frozen, shows nobody what
// was said above TLS, and knows no AUTH LOGIN.
type SMTP struct {
	Host     string // that its certificate is for
	Port     string
	Implicit bool    // TLS from the first byte on (RFC 8314), and no STARTTLS
	TLS      TLSMode // "": TLSAuto
	User     string  // "": no AUTH
	Password string
	Roots    *x509.CertPool // nil: the system's

	// Trace is told each line: "C: " is what we said, "S: " what the server did,
	// without passwords. May be nil.
	Trace func(line string)
}

// Bounds of what a server may say, and how long it may take (RFC 5321 §4.5.3.2
// allows more before the end of a mail; nobody waits for this one).
const (
	maxReplyLine  = 2048
	maxReplyLines = 100
	replyTime     = time.Minute
	endTime       = 10 * time.Minute // a mail that is not confirmed may come twice
)

// ErrNoTLS is why nothing was sent to a server that offers no TLS.
var ErrNoTLS = errors.New("the server offers no STARTTLS, or somebody between has taken that out: nothing was sent; for a server that has TLS from the start give smtps://")

// Send sends one mail to one recipient. ErrRefused says that the server takes none
// for that one, or not this mail, for good (RFC 5321 §4.2.1); in the second case a
// Refusal is of the mail. All else may be better later: also that nobody may send
// from that address, which is not of this mail.
func (s *SMTP) Send(ctx context.Context, from, to string, mail []byte) error {
	t, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.greet(ctx); err != nil {
		return err
	}
	if err := t.mail(from, to, mail); err != nil {
		return err
	}
	t.command(replyTime, "QUIT") // the mail is theirs
	return nil
}

// A talk is a connection to a server.
type talk struct {
	s     *SMTP
	conn  net.Conn
	r     *bufio.Reader
	over  func() bool // ends the watch over the context
	tls   bool
	knows map[string]string // extensions, and what the server says of them
	told  []string          // what is secret, as it was said and as it reads
}

func (s *SMTP) dial(ctx context.Context) (*talk, error) {
	d := net.Dialer{Timeout: replyTime}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(s.Host, s.Port))
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	t := &talk{s: s, conn: conn, r: bufio.NewReaderSize(conn, maxReplyLine)}
	t.over = context.AfterFunc(ctx, func() { conn.Close() })
	if s.Implicit {
		if err := t.secure(ctx); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

func (t *talk) close() {
	t.over()
	t.conn.Close()
}

// secure puts TLS around the connection. What came before it is forgotten: it
// could be anybody's.
func (t *talk) secure(ctx context.Context) error {
	if t.r.Buffered() > 0 {
		return errors.New("mail server: somebody has put text behind the answer to STARTTLS: nothing was sent")
	}
	c := tls.Client(t.conn, &tls.Config{ServerName: t.s.Host, RootCAs: t.s.Roots, MinVersion: tls.VersionTLS12})
	ctx, cancel := context.WithTimeout(ctx, replyTime)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("mail server: TLS: %w: nothing was sent", err)
	}
	t.trace("(TLS: " + tls.VersionName(c.ConnectionState().Version) + ", certificate of " + t.s.Host + ")")
	t.conn, t.r, t.tls, t.knows = c, bufio.NewReaderSize(c, maxReplyLine), true, nil
	return nil
}

// greet comes to where mails can be sent.
func (t *talk) greet(ctx context.Context) error {
	if _, err := t.expect(220, replyTime); err != nil {
		return err
	}
	if err := t.hello(); err != nil {
		return err
	}
	if !t.tls && t.wantsTLS() {
		if _, ok := t.knows["STARTTLS"]; !ok {
			return fmt.Errorf("mail server: %w", ErrNoTLS)
		}
		if err := t.say(220, "STARTTLS"); err != nil {
			return err
		}
		if err := t.secure(ctx); err != nil {
			return err
		}
		if err := t.hello(); err != nil {
			return err
		}
	}
	return t.login()
}

func (t *talk) wantsTLS() bool {
	switch t.s.TLS {
	case TLSOff:
		return false
	case TLSRequired:
		return true
	}
	return !t.local()
}

// local reports whether the server is on this machine.
func (t *talk) local() bool {
	addr, ok := t.conn.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// hello says who we are, and learns what the server knows.
func (t *talk) hello() error {
	name := "localhost"
	if addr, ok := t.conn.LocalAddr().(*net.TCPAddr); ok { // RFC 5321 §4.1.3
		if ip := addr.IP.To4(); ip != nil {
			name = "[" + ip.String() + "]"
		} else {
			name = "[IPv6:" + addr.IP.String() + "]"
		}
	}
	lines, err := t.command(replyTime, "EHLO "+name)
	if err != nil {
		return err
	}
	if lines.code != 250 {
		return lines.fault("EHLO")
	}
	t.knows = map[string]string{}
	for _, line := range lines.text[1:] {
		word, rest, _ := strings.Cut(line, " ")
		t.knows[strings.ToUpper(word)] = strings.ToUpper(rest)
	}
	return nil
}

// login proves who we are, by PLAIN or LOGIN, which both show the password to the
// server: over TLS, or to this machine.
func (t *talk) login() error {
	if t.s.User == "" {
		return nil
	}
	if !t.tls && !t.local() {
		return errors.New("mail server: a password is sent over TLS only: nothing was sent")
	}
	ways := strings.Fields(t.knows["AUTH"])
	code := base64.StdEncoding.EncodeToString
	switch {
	case slices.Contains(ways, "PLAIN"): // RFC 4616
		t.told = append(t.told, t.s.Password)
		return t.secret("AUTH PLAIN", "AUTH PLAIN "+code([]byte("\x00"+t.s.User+"\x00"+t.s.Password)), 235)
	case slices.Contains(ways, "LOGIN"):
		if err := t.say(334, "AUTH LOGIN"); err != nil {
			return err
		}
		if err := t.secret("the user", code([]byte(t.s.User)), 334); err != nil {
			return err
		}
		t.told = append(t.told, t.s.Password)
		return t.secret("the password", code([]byte(t.s.Password)), 235)
	}
	return errors.New("mail server: it offers neither AUTH PLAIN nor AUTH LOGIN, and a user was given")
}

// mail hands over a mail.
func (t *talk) mail(from, to string, mail []byte) error {
	if err := t.say(250, "MAIL FROM:<"+from+">"); err != nil {
		return err
	}
	reply, err := t.command(replyTime, "RCPT TO:<"+to+">")
	switch {
	case err != nil:
		return err
	case reply.code >= 500:
		return fmt.Errorf("%w: %w", ErrRefused, reply.fault("RCPT TO:<"+to+">"))
	case reply.code/10 != 25: // 250, 251, 252
		return reply.fault("RCPT TO:<" + to + ">")
	}
	if err := t.say(354, "DATA"); err != nil {
		return ofMail(err)
	}
	var b bytes.Buffer
	w := textproto.NewWriter(bufio.NewWriter(&b)).DotWriter() // RFC 5321 §4.5.2
	w.Write(mail)                                             // to memory
	w.Close()
	t.trace("C: (a mail of " + strconv.Itoa(len(mail)) + " bytes)")
	t.conn.SetDeadline(time.Now().Add(endTime))
	if _, err := t.conn.Write(b.Bytes()); err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	reply, err = t.read(endTime)
	if err == nil && reply.code != 250 {
		err = reply.fault("the mail")
	}
	return ofMail(err)
}

// ofMail says of a refusal for good that it is of the mail.
func ofMail(err error) error {
	var r *Refusal
	if !errors.As(err, &r) || r.Code < 500 {
		return err
	}
	r.OfMail = true
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// A reply is what a server answered.
type reply struct {
	code int
	text []string
}

// A Refusal is an answer that was not the one that is needed.
type Refusal struct {
	To   string // what was said
	Code int
	Text string

	OfMail bool // another mail may be taken
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("mail server: to %s it says %d %s", r.To, r.Code, r.Text)
}

func (r *reply) fault(to string) error {
	return &Refusal{To: to, Code: r.code, Text: alert.Clean(strings.Join(r.text, " / "))}
}

func (t *talk) say(want int, line string) error {
	reply, err := t.command(replyTime, line)
	if err == nil && reply.code != want {
		err = reply.fault(line)
	}
	return err
}

// secret says something that is shown to nobody; name is shown in its place.
func (t *talk) secret(name, line string, want int) error {
	t.trace("C: (" + name + ")")
	t.told = append(t.told, line[strings.LastIndexByte(line, ' ')+1:])
	if err := t.write(line); err != nil {
		return err
	}
	reply, err := t.read(replyTime)
	if err == nil && reply.code != want {
		err = reply.fault(name)
	}
	return err
}

func (t *talk) command(limit time.Duration, line string) (*reply, error) {
	t.trace("C: " + line)
	if err := t.write(line); err != nil {
		return nil, err
	}
	return t.read(limit)
}

func (t *talk) write(line string) error {
	if strings.ContainsAny(line, "\r\n\x00") {
		return errors.New("mail server: what was to be said has several lines: nothing was sent")
	}
	t.conn.SetDeadline(time.Now().Add(replyTime))
	if _, err := t.conn.Write([]byte(line + "\r\n")); err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	return nil
}

func (t *talk) expect(want int, limit time.Duration) (*reply, error) {
	reply, err := t.read(limit)
	if err == nil && reply.code != want {
		err = reply.fault("us")
	}
	return reply, err
}

// read reads an answer of one or several lines (RFC 5321 §4.2).
func (t *talk) read(limit time.Duration) (*reply, error) {
	t.conn.SetDeadline(time.Now().Add(limit))
	r := &reply{}
	for range maxReplyLines {
		raw, err := t.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("mail server: an answer has more than %d bytes", maxReplyLine)
		}
		if err != nil {
			return nil, fmt.Errorf("mail server: read its answer: %w", err)
		}
		line := t.shown(strings.TrimRight(string(raw), "\r\n"))
		t.trace("S: " + alert.Clean(line))
		if len(line) < 3 {
			return nil, fmt.Errorf("mail server: %q is no answer", alert.Clean(line))
		}
		code, err := strconv.Atoi(line[:3])
		if err != nil || code < 200 || code > 599 || r.code != 0 && code != r.code || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
			return nil, fmt.Errorf("mail server: %q is no answer", alert.Clean(line))
		}
		r.code = code
		if len(line) > 4 {
			r.text = append(r.text, line[4:])
		} else {
			r.text = append(r.text, "")
		}
		if len(line) == 3 || line[3] == ' ' {
			return r, nil
		}
	}
	return nil, fmt.Errorf("mail server: an answer has more than %d lines", maxReplyLines)
}

// leastTold is how much of a secret is one: fewer bytes are anywhere.
const leastTold = 4

// shown is a line of the server without what follows its code if that repeats a
// part of a secret, also with spaces between.
func (t *talk) shown(line string) string {
	flat, code := strings.ToLower(strings.Join(strings.Fields(line), "")), ""
	if len(line) > 3 && strings.Trim(line[:3], "0123456789") == "" {
		code = line[:4]
	}
	for _, said := range t.told {
		said = strings.ToLower(strings.Join(strings.Fields(said), ""))
		n := min(leastTold, len(said))
		for i := 0; n > 0 && i+n <= len(said); i++ {
			if strings.Contains(flat, said[i:i+n]) {
				return code + "(not shown: it has a part of the password or of the name)"
			}
		}
	}
	return line
}

func (t *talk) trace(line string) {
	if t.s.Trace != nil {
		t.s.Trace(line)
	}
}
