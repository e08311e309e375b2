package outbound

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// socksServer is a small server of SOCKS5.
type socksServer struct {
	user, password string
	to             func(target string) string
	mu             sync.Mutex
	targets        []string
}

func (s *socksServer) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.targets, " ")
}

// take reads n octets.
func take(p *peer, n int) []byte {
	b := make([]byte, n)
	io.ReadFull(p, b)
	return b
}

func (s *socksServer) play(p *peer) {
	methods := take(p, int(take(p, 2)[1]))
	switch {
	case s.user == "":
		p.say("\x05\x00")
	case !slices.Contains(methods, 2):
		p.say("\x05\xff")
		return
	default:
		p.say("\x05\x02")
		user := take(p, int(take(p, 2)[1]))
		password := take(p, int(take(p, 1)[0]))
		if string(user) != s.user || string(password) != s.password {
			p.say("\x01\x01")
			return
		}
		p.say("\x01\x00")
	}
	target := readTarget(p)
	s.mu.Lock()
	s.targets = append(s.targets, target)
	s.mu.Unlock()
	nc, err := net.Dial("tcp", s.to(target))
	if err != nil {
		p.say("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
		return
	}
	p.say("\x05\x00\x00\x03\x04name\x00\x00")
	pipe(p, nc)
}

// readTarget reads a request for a connection.
func readTarget(p *peer) string {
	var host string
	switch take(p, 4)[3] {
	case socksIPv4:
		host = netip.AddrFrom4([4]byte(take(p, 4))).String()
	case socksIPv6:
		host = netip.AddrFrom16([16]byte(take(p, 16))).String()
	case socksName:
		host = string(take(p, int(take(p, 1)[0])))
	}
	port := take(p, 2)
	return net.JoinHostPort(host, strconv.Itoa(int(port[0])<<8|int(port[1])))
}

func TestSOCKS(t *testing.T) {
	o := answers(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	for _, c := range []struct {
		parent, server, host, target string
		kind                         Kind // of the error; "" for none
	}{
		{"socks5h://", "", "a.test", "a.test:80", ""},
		{"socks5://", "", "a.test", "10.0.0.1:80", ""},
		{"socks5://", "", "b.test:81", "[2600::1]:81", ""},
		{"socks5://", "", "unknown.test", "", DNSError},
		{"socks5h://", "", "1.2.3.4", "1.2.3.4:80", ""},
		{"socks5h://", "", "[::1]", "[::1]:80", ""},
		{"socks5h://u:p@", "u:p", "a.test", "a.test:80", ""},
		{"socks5h://u:p@", "", "a.test", "a.test:80", ""},
		{"socks5h://u:wrong@", "u:p", "a.test", "", RequestError},
		{"socks5h://", "u:p", "a.test", "", RequestError},
		{"socks5h://", "", strings.Repeat("a.", 130) + "test", "", RequestError},
	} {
		k := &socksServer{to: func(string) string { return o.Addr().String() }}
		k.user, k.password, _ = strings.Cut(c.server, ":")
		s := newOrigin(t, k.play)
		tr := by(t, c.parent+s.Addr().String())
		tr.Guard = &Guard{AllowPrivate: true, Resolve: resolver(map[string][]string{"a.test": {"10.0.0.1"}, "b.test": {"2600::1"}})}
		_, body, err := get(t, tr, "http://"+c.host+"/")
		if c.kind == "" {
			if err != nil || body != "hi" {
				t.Errorf("%+v: %q %v", c, body, err)
			}
		} else {
			want(t, err, c.kind, c.kind == DNSError || len(c.host) < 255)
		}
		if k.asked() != c.target {
			t.Errorf("%+v: asked for %s", c, k.asked())
		}
		if err != nil && (strings.Contains(err.Error(), "wrong")) {
			t.Errorf("%v tells the password", err)
		}
		tr.CloseIdleConnections()
	}
}

// What a server of SOCKS says but success.
func TestSOCKSFaults(t *testing.T) {
	for _, c := range []struct {
		says string // after each thing that was sent, divided by |
		kind Kind
		down bool // it counts as one that cannot be reached
	}{
		{"", ConnectionTerminated, true},
		{"\x04\x00", ProtocolError, true},
		{"\x05\x01", ProtocolError, true},
		{"\x05", ConnectionTerminated, true},
		{"HTTP/1.1 400", ProtocolError, true},
		{"\x05\x02", RequestError, false}, // which was not offered
		{"\x05\xff", RequestError, false},
		{"\x05\x00|\x05\x01", DestinationUnavailable, false},
		{"\x05\x00|\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", RequestDenied, false},
		{"\x05\x00|\x05\x03", DestinationUnroutable, false},
		{"\x05\x00|\x05\x04", DestinationUnroutable, false},
		{"\x05\x00|\x05\x05", ConnectionRefused, false},
		{"\x05\x00|\x05\x06", ConnectionTimeout, false},
		{"\x05\x00|\x05\x07", ProtocolError, false},
		{"\x05\x00|\x05\x08", ProtocolError, false},
		{"\x05\x00|\x05\x09", ProtocolError, false},
		{"\x05\x00|\x05\xff", ProtocolError, false},
		{"\x05\x00|\x04\x00\x00\x01\x00\x00\x00\x00\x00\x00", ProtocolError, false},
		{"\x05\x00|\x05\x00\x01\x01\x00\x00\x00\x00\x00\x00", ProtocolError, false},
		{"\x05\x00|\x05\x00\x00\x02\x00\x00\x00\x00\x00\x00", ProtocolError, false},
		{"\x05\x00|\x05\x00\x00\x01\x00\x00\x00", ConnectionTerminated, false},
		{"\x05\x00|", ConnectionTerminated, false},
	} {
		s := newOrigin(t, func(p *peer) {
			greeting, reply, _ := strings.Cut(c.says, "|")
			take(p, 3)
			p.say(greeting)
			if strings.Contains(c.says, "|") {
				readTarget(p)
				p.say(reply)
			}
			p.CloseWrite()
			p.gone()
		})
		tr := by(t, "socks5h://"+s.Addr().String())
		_, err := tr.Tunnel(t.Context(), "a.test:80")
		want(t, err, c.kind, true)
		if parentDown(err) != c.down {
			t.Errorf("%q: %v", c.says, err)
		}
	}
}

// readWriter is what a server says, and a place for what is said to it.
type readWriter struct {
	io.Reader
	io.Writer
}

// FuzzSOCKS reads what a server says, octet by octet and whole: it comes to
// the same, and nothing is read that follows.
func FuzzSOCKS(f *testing.F) {
	for _, s := range []string{
		"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50rest",
		"\x05\x02\x01\x00\x05\x00\x00\x03\x04name\x00\x50rest",
		"\x05\x00\x05\x00\x00\x04aaaaaaaaaaaaaaaa\x00\x50",
		"\x05\x02\x01\x01", "\x05\x00\x05\x05", "\x05\xff", "\x04\x5a",
	} {
		f.Add([]byte(s))
	}
	via, err := ParseParent("socks5h://u:p@a")
	if err != nil {
		f.Fatal(err)
	}
	play := func(r io.Reader) (Kind, error) {
		if kind, err := socksGreet(readWriter{r, io.Discard}, via); err != nil {
			return kind, err
		}
		return readSOCKSReply(r)
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		whole := bytes.NewReader(says)
		kind, err := play(whole)
		pieces := &script{says: bytes.Clone(says), portion: 1}
		kind1, err1 := play(pieces)
		if kind != kind1 || (err == nil) != (err1 == nil) || whole.Len() != len(pieces.says) {
			t.Fatalf("%q %v, in pieces %q %v", kind, err, kind1, err1)
		}
		if (err == nil) != (kind == "") {
			t.Fatalf("%q %v", kind, err)
		}
		if used := len(says) - whole.Len(); used > 2+2+5+255+2 || err == nil && used < 2+7 {
			t.Fatalf("%d octets of %q were read", used, says)
		}
	})
}

// FuzzConnectAnswer reads the answer to CONNECT whole and in pieces.
func FuzzConnectAnswer(f *testing.F) {
	for _, s := range []string{
		established + "hello",
		"HTTP/1.1 100 Continue\r\n\r\n" + established,
		"HTTP/1.0 407 x\r\nProxy-Status: a; error=dns_error\r\n\r\nbody",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 101 x\r\n\r\n", "HTTP/1.1 200 OK\n\n", "",
	} {
		f.Add([]byte(s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, says []byte, portion uint8) {
		tr := &Transport{MaxHeadBytes: 1 << 10}
		tr.once.Do(tr.setUp)
		read := func(portion int) (string, *ParentError, string) {
			s := &script{says: bytes.Clone(says), portion: portion}
			early, answer, broken, err := tr.readConnectAnswer(s)
			switch {
			case broken != 0:
				return "", nil, (&Fault{broken}).Error()
			case err != nil:
				return "", nil, err.Error()
			}
			if len(early) > 0 && answer.Status/100 != 2 {
				t.Fatalf("%d has %q behind it", answer.Status, early)
			}
			if answer.Status/100 == 2 {
				return string(early) + string(s.says), answer, ""
			}
			statusKind(answer)
			return "", answer, ""
		}
		early, answer, fault := read(1 << 20)
		early1, answer1, fault1 := read(max(int(portion), 1))
		if early != early1 || fault != fault1 || (answer == nil) != (answer1 == nil) || answer != nil && *answer != *answer1 {
			t.Fatalf("%q %+v %q, in pieces %q %+v %q", early, answer, fault, early1, answer1, fault1)
		}
		if fault == "" && answer.Status/100 == 2 && !strings.HasSuffix(string(says), early) {
			t.Fatalf("%q behind the head of %q", early, says)
		}
	})
}

// The end of a context ends asking, too.
func TestSOCKSCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newOrigin(t, func(p *peer) { take(p, 3); cancel(); p.gone() })
	_, err := by(t, "socks5h://"+s.Addr().String()).Tunnel(ctx, "a.test:80")
	want(t, err, Canceled, false)
}
