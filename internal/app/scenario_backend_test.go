package app

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// playedBackend is a FastCGI backend that answers each request as its script
// says, by the FastCGI Specification 1.0, and then lets go of the connection. A
// script has lines:
//
//	stdout TEXT    a record of the answer
//	end N          the end, with that protocol status
//	bytes TEXT     that is written as it is
//	silent         waits until the other side lets go
type playedBackend struct {
	t        *testing.T
	listener net.Listener
	script   []string
	path     string
}

func newPlayedBackend(w *world, script string) *playedBackend {
	b := &playedBackend{t: w.t, path: filepath.Join(w.home, "backend"), script: strings.Split(strings.TrimSpace(script), "\n")}
	if b.script[0] == "nobody" {
		return b
	}
	var err error
	if b.listener, err = net.Listen("unix", b.path); err != nil {
		w.t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := b.listener.Accept()
			if err != nil {
				return
			}
			b.serve(c)
		}
	}()
	w.t.Cleanup(func() { b.listener.Close(); <-served })
	return b
}

// address is that of the backend; "" without one.
func (b *playedBackend) address() string {
	if b == nil {
		return ""
	}
	return "unix:" + b.path
}

func (b *playedBackend) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	id, ok := readRequestRecords(in)
	if !ok {
		return
	}
	for _, line := range b.script {
		verb, rest, _ := strings.Cut(line, " ")
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(rest, "$FILL", strings.Repeat("x", 60000)) + `"`)
		if err != nil {
			b.t.Errorf("backend: %q: %v", line, err)
		}
		switch verb {
		case "stdout":
			writeBackendRecord(c, 6, id, text)
		case "end":
			status, _ := strconv.Atoi(rest)
			writeBackendRecord(c, 6, id, "")
			writeBackendRecord(c, 3, id, "\x00\x00\x00\x00"+string(rune(status))+"\x00\x00\x00")
		case "bytes":
			io.WriteString(c, text)
		case "silent":
			io.Copy(io.Discard, in)
		default:
			b.t.Errorf("backend: unknown line %q", line)
		}
	}
}

// readRequestRecords reads until the end of a request's body, or, of an
// authorizer's request, of its parameters.
func readRequestRecords(in io.Reader) (id uint16, ok bool) {
	last := byte(5)
	for {
		var head [8]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return 0, false
		}
		size := int(binary.BigEndian.Uint16(head[4:]))
		content := make([]byte, size+int(head[6]))
		if _, err := io.ReadFull(in, content); err != nil {
			return 0, false
		}
		if head[1] == 1 && content[1] == 2 {
			last = 4
		}
		if head[1] == last && size == 0 {
			return binary.BigEndian.Uint16(head[2:]), true
		}
	}
}

func writeBackendRecord(w io.Writer, kind byte, id uint16, text string) {
	head := []byte{1, kind, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(head[2:], id)
	binary.BigEndian.PutUint16(head[4:], uint16(len(text)))
	w.Write(append(head, text...))
}
