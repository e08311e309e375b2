// Package control is the door through which commands of the same user reach a
// running server: a Unix socket and, for those who come through the public
// listeners, a token, both in a folder that only the user can look into.
//
//	s, err := control.Open(dir, control.Name("[::]:8000"), handler)
//	defer s.Close()
//
//	c, err := control.Find(dir, "") // in the command
//	answer, err := c.Purge(ctx, control.Request{URLs: []string{"http://example.org/"}})
//
// What can be asked at the door is decided by the handler; [PurgeHandler] is
// one for purges. Commands that cannot reach the door ask the server's monitor
// over the network instead ([Over]), in the same words.
//
// The folder has mode 0700, socket and token 0600. One that another user owns, or
// may write to, is refused. Where the system tells who
// is at the other end (Linux), others than the server's user and root are
// turned away besides.
package control

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	maxRequestBytes = 16 << 20 // of a request to the socket; then 413
	requestTimeout  = time.Minute
	tokenBytes      = 32
	maxSocketPath   = 103 // the least of what systems take
)

// A Server is an open door. All methods may be called at the same time.
type Server struct {
	dir    string
	socket string
	token  string
	files  []string // to remove at the end
	http   *http.Server
	ended  chan struct{}
	closed sync.Once
}

// Open makes the folder, if need be, the socket and the token, under a name
// that [Name] made, and lets h answer there until Close. What a server that is
// gone left behind is replaced; that another one uses the name is an error.
func Open(dir, name string, h http.Handler) (*Server, error) {
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	socket := socketPath(dir, name)
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("%s: the path is too long for a socket (more than %d bytes)", socket, maxSocketPath)
	}
	if taken(socket) {
		return nil, fmt.Errorf("%s: another server uses it", socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	token, err := newToken(tokenPath(dir, name))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, errors.Join(err, os.Remove(tokenPath(dir, name)))
	}
	s := &Server{dir: dir, socket: socket, token: token, files: []string{tokenPath(dir, name)}, ended: make(chan struct{})}
	if err := os.Chmod(socket, 0o600); err != nil {
		l.Close()
		return nil, errors.Join(err, s.remove())
	}
	s.http = &http.Server{Handler: h, ReadHeaderTimeout: requestTimeout}
	go func() {
		defer close(s.ended)
		s.http.Serve(checked{l})
	}()
	return s, nil
}

// AlsoName gives the door another name by which it is found, unless a server
// that runs has that. It is not for use at the same time as other methods.
func (s *Server) AlsoName(name string) error {
	link := socketPath(s.dir, name)
	if link == s.socket || taken(link) {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(filepath.Base(s.socket), link); err != nil {
		return err
	}
	s.files = append(s.files, link)
	return nil
}

// taken reports whether a server that runs has its socket there. Another name
// is not: who comes has the address that it is made of, so that it was left
// behind, and may by now lead to a server that has nothing to do with it.
func taken(socket string) bool {
	info, err := os.Lstat(socket)
	return err == nil && info.Mode()&os.ModeSymlink == 0 && answers(socket)
}

// Close closes the door and removes socket and token.
func (s *Server) Close() (err error) {
	s.closed.Do(func() {
		err = s.http.Close()
		<-s.ended
		err = errors.Join(err, s.remove())
	})
	return err
}

func (s *Server) remove() error {
	var faults []error
	for _, f := range s.files {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// Authorized reports whether a request that came another way has the token, as
// Authorization: Bearer (RFC 6750 §2.1). How long it takes says nothing about
// the token.
func (s *Server) Authorized(r *http.Request) bool {
	if s == nil {
		return false
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	return s.Knows(strings.TrimSpace(token))
}

// Knows reports whether a text is the server's token, as Authorized does.
func (s *Server) Knows(token string) bool { return s != nil && Same(token, s.token) }

// Same compares secrets without telling by its time where they differ.
func Same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// TokenFile returns where the token is.
func (s *Server) TokenFile() string { return s.files[0] }

// Name makes the name of a server from the address of its first listener.
// Addresses of all interfaces have the port alone.
func Name(addr string) string {
	if strings.HasPrefix(addr, "unix:") || strings.ContainsAny(addr, "/@") {
		sum := sha256.Sum256([]byte(strings.TrimPrefix(addr, "unix:")))
		return "unix-" + hex.EncodeToString(sum[:6])
	}
	host, port, err := net.SplitHostPort(addr)
	switch {
	case err != nil:
		host, port = "", addr
	case host == "localhost":
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = ""
	}
	name := port
	if host != "" {
		name = host + "-" + port
	}
	return strings.Map(func(r rune) rune {
		if r == ':' || r == '/' || r == '%' || r <= ' ' {
			return '_'
		}
		return r
	}, name)
}

const (
	socketSuffix = ".sock"
	tokenSuffix  = ".token"
)

func socketPath(dir, name string) string { return filepath.Join(dir, name+socketSuffix) }
func tokenPath(dir, name string) string  { return filepath.Join(dir, name+tokenSuffix) }

// makeFolder makes the folder, and refuses one that others may write to, or own.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !ownerTrusted(info) {
		return fmt.Errorf("%s: it belongs to another user, who could put something else in the place of its files", dir)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 && hasModes {
		return fmt.Errorf("%s: others than its owner may write to it (mode %04o)", dir, mode)
	}
	return nil
}

// newToken writes a new token. The file is made anew, so that nobody has it
// open.
func newToken(path string) (string, error) {
	random := make([]byte, tokenBytes)
	rand.Read(random)
	token := base64.RawURLEncoding.EncodeToString(random)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(token + "\n")
	return token, errors.Join(err, f.Close())
}

// checked is a listener that turns others' connections away.
type checked struct{ net.Listener }

func (l checked) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || samePeer(c) {
			return c, err
		}
		c.Close()
	}
}
