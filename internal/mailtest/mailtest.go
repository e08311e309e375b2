// Package mailtest is a mail server for tests: it keeps what it gets, and can be
// as bad as they come.
package mailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options say how a server is. The zero value takes all mails, in clear.
type Options struct {
	TLS      *tls.Config // of STARTTLS; nil: it is not offered
	Implicit bool        // TLS from the start

	User, Password string // that AUTH wants; "": AUTH is not offered
	Login          bool   // AUTH LOGIN and not PLAIN

	// Strip does what somebody between does who does not want TLS: the offer of
	// STARTTLS is taken out.
	Strip bool
	// Inject puts a line behind the answer to STARTTLS, in the same packet.
	Inject string

	// Answers are given in place of the usual ones, by the first word; "" hangs up.
	Answers map[string]string
	// Refuse has mails with that text in them refused for good; "": none are.
	Refuse string
	// Later has recipients that are refused for now, so many times.
	Later map[string]int
	// Wait, when not nil, is waited for before the end of each mail is confirmed.
	Wait <-chan struct{}
}

// A Mail is one that came.
type Mail struct {
	From string
	To   []string
	Text []byte // with the line ends of mail
	TLS  bool
	User string
}

// A Server is a mail server.
type Server struct {
	Addr string

	o     Options
	mails chan Mail

	mu    sync.Mutex
	later map[string]int // how many times each recipient was refused for now
	heard []string
	conns map[net.Conn]bool
}

// Serve serves until the test ends.
func Serve(t testing.TB, o Options) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), o: o, mails: make(chan Mail, 1000), later: map[string]int{}, conns: map[net.Conn]bool{}}
	var ran sync.WaitGroup
	ran.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			ran.Go(func() {
				defer c.Close()
				s.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		ran.Wait()
	})
	return s
}

// Port is where it listens, on 127.0.0.1.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return port
}

// Mail waits for the next mail.
func (s *Server) Mail(t testing.TB) Mail {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case m := <-s.mails:
		return m
	case <-late.C:
		t.Fatalf("no mail came; the server heard %q", s.Heard())
	}
	return Mail{}
}

// None fails the test when a mail has come.
func (s *Server) None(t testing.TB) {
	t.Helper()
	select {
	case m := <-s.mails:
		t.Errorf("a mail came: %s", m.Text)
	default:
	}
}

// Heard are all lines that clients have said, but for mails, with "tls " before
// those that came over TLS.
func (s *Server) Heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.heard...)
}

// session is a connection.
type session struct {
	s      *Server
	conn   net.Conn
	text   *textproto.Conn
	secure bool
	mail   Mail
}

func (s *Server) serve(c net.Conn) {
	k := &session{s: s, conn: c}
	if s.o.Implicit {
		if !k.handshake() {
			return
		}
	} else {
		k.text = textproto.NewConn(c)
	}
	if !k.say("220", "220 mail.test ready") {
		return
	}
	for k.line() {
	}
}

func (k *session) handshake() bool {
	c := tls.Server(k.conn, k.s.o.TLS)
	if c.Handshake() != nil {
		return false
	}
	k.conn, k.text, k.secure = c, textproto.NewConn(c), true
	return true
}

// say answers; word is what Options.Answers may have another one for.
func (k *session) say(word, answer string) bool {
	if other, ok := k.s.o.Answers[word]; ok {
		if other == "" {
			return false
		}
		answer = other
	}
	_, err := k.conn.Write([]byte(strings.ReplaceAll(answer, "\n", "\r\n") + "\r\n"))
	return err == nil
}

// line obeys one line.
func (k *session) line() bool {
	line, err := k.text.ReadLine()
	if err != nil {
		return false
	}
	heard := line
	if k.secure {
		heard = "tls " + line
	}
	k.s.mu.Lock()
	k.s.heard = append(k.s.heard, heard)
	k.s.mu.Unlock()
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "EHLO":
		return k.say(word, k.hello())
	case "STARTTLS":
		return k.startTLS()
	case "AUTH":
		return k.auth(rest)
	case "MAIL":
		k.mail.From, k.mail.TLS = between(rest), k.secure
		return k.say(word, "250 ok")
	case "RCPT":
		to := between(rest)
		if _, ok := k.s.o.Answers["RCPT "+to]; ok {
			return k.say("RCPT "+to, "")
		}
		if k.s.refusesNow(to) {
			return k.say(word, "450 4.2.0 greylisted, come back later")
		}
		k.mail.To = append(k.mail.To, to)
		return k.say(word, "250 ok")
	case "DATA":
		return k.data()
	case "QUIT":
		k.say(word, "221 bye")
		return false
	}
	return k.say(word, "500 what?")
}

// refusesNow reports whether a recipient is refused for now.
func (s *Server) refusesNow(to string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.later[to] >= s.o.Later[to] {
		return false
	}
	s.later[to]++
	return true
}

func (k *session) hello() string {
	text := "250-mail.test"
	if k.s.o.TLS != nil && !k.secure && !k.s.o.Strip {
		text += "\n250-STARTTLS"
	}
	switch {
	case k.s.o.User == "":
	case k.s.o.Login:
		text += "\n250-AUTH LOGIN"
	default:
		text += "\n250-AUTH LOGIN PLAIN"
	}
	return text + "\n250 8BITMIME"
}

func (k *session) startTLS() bool {
	answer := "220 go ahead"
	if k.s.o.Inject != "" {
		answer += "\n" + k.s.o.Inject
	}
	if k.s.o.TLS == nil || k.s.o.Strip {
		return k.say("STARTTLS", "502 no")
	}
	return k.say("STARTTLS", answer) && k.handshake()
}

// auth checks a login.
func (k *session) auth(rest string) bool {
	way, initial, _ := strings.Cut(rest, " ")
	var user, password string
	switch way {
	case "PLAIN":
		b, _ := base64.StdEncoding.DecodeString(initial)
		parts := strings.Split(string(b), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		for i, to := range []*string{&user, &password} {
			if !k.say("AUTH", "334 "+[]string{"VXNlcm5hbWU6", "UGFzc3dvcmQ6"}[i]) {
				return false
			}
			line, err := k.text.ReadLine()
			if err != nil {
				return false
			}
			b, _ := base64.StdEncoding.DecodeString(line)
			*to = string(b)
		}
	}
	if user != k.s.o.User || password != k.s.o.Password {
		return k.say("AUTH", "535 5.7.8 who are you? "+user)
	}
	k.mail.User = user
	return k.say("AUTH", "235 welcome")
}

func (k *session) data() bool {
	if !k.say("DATA", "354 go on") {
		return false
	}
	if k.s.o.Answers["DATA"] != "" {
		return true
	}
	text, err := readMail(k.text.R)
	if err != nil {
		return false
	}
	if k.s.o.Wait != nil {
		<-k.s.o.Wait
	}
	k.mail.Text = text
	if refuse := k.s.o.Refuse; refuse != "" && strings.Contains(string(text), refuse) {
		k.mail = Mail{User: k.mail.User}
		return k.say("", "554 5.7.1 not that")
	}
	if _, refuses := k.s.o.Answers["."]; !refuses {
		k.s.mails <- k.mail
	}
	k.mail = Mail{User: k.mail.User}
	return k.say(".", "250 taken")
}

// readMail reads up to a dot alone. A line that ends in anything but CRLF is a
// fault: it could be read as two mails.
func readMail(r *bufio.Reader) ([]byte, error) {
	var all []byte
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(line, "\r\n") || strings.Contains(line[:len(line)-2], "\r") || len(line) > 1000 {
			return nil, fmt.Errorf("the line %q", line)
		}
		if line == ".\r\n" {
			return all, nil
		}
		all = append(all, strings.TrimPrefix(line, ".")...)
	}
}

func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
