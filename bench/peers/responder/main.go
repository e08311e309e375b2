// Command responder is an application that speaks FastCGI on a Unix socket and
// costs as little as one can, so that what is seen is the web server. It
// answers as the CGI program of the benchmark does: to a request with a body it
// says how many bytes came and their sum; to one without it gives as many bytes
// as ?n= says.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

// Types of records, and a flag of the first one of a request.
const (
	beginRequest = 1
	endRequest   = 3
	params       = 4
	stdin        = 5
	stdout       = 6
	keepConn     = 1
)

func main() {
	socket := flag.String("socket", "", "path of the socket")
	flag.Parse()
	l, err := net.Listen("unix", *socket)
	if err != nil {
		log.Fatal(err)
	}
	// The web servers may be another user's.
	if err := os.Chmod(*socket, 0o666); err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(c)
	}
}

// serve answers the requests of a connection, one after the other.
func serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 32<<10)
	answers := map[string][]byte{}
	for {
		q, err := readRequest(r)
		if err != nil {
			return // nothing, or not a request: the web server sees it end
		}
		answer := answers[q.size]
		if q.bytes > 0 || answer == nil {
			if answer, err = q.answer(); err != nil {
				return
			}
			if q.bytes == 0 {
				answers[q.size] = answer
			}
		}
		number(answer, q.id)
		if _, err := c.Write(answer); err != nil || !q.keep {
			return
		}
	}
}

// request is what we need to know of one.
type request struct {
	id    uint16
	keep  bool
	size  string // of the answer, "" for the usual one
	bytes int    // of the body
	sum   int    // of the body's bytes
}

// readRequest reads records until the body is over.
func readRequest(r *bufio.Reader) (*request, error) {
	q := &request{}
	var vars []byte
	for {
		head, err := r.Peek(8)
		if err != nil {
			return nil, err
		}
		kind, id := head[1], binary.BigEndian.Uint16(head[2:])
		length, padding := int(binary.BigEndian.Uint16(head[4:])), int(head[6])
		r.Discard(8)
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		r.Discard(padding)
		switch {
		case kind == beginRequest && length == 8:
			q.id, q.keep = id, body[2]&keepConn != 0
		case kind == params && length > 0:
			vars = append(vars, body...)
		case kind == stdin && length > 0:
			q.bytes += length
			for _, b := range body {
				q.sum += int(b)
			}
		case kind == stdin:
			// A value follows its name at once.
			if _, rest, ok := bytes.Cut(vars, []byte("QUERY_STRINGn=")); ok {
				end := 0
				for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
					end++
				}
				q.size = string(rest[:end])
			}
			return q, nil
		}
	}
}

const (
	head = "Content-Type: text/plain\r\nX-Script: page\r\n\r\n"
	line = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n"
)

// answer makes the records of the answer.
func (q *request) answer() ([]byte, error) {
	text := []byte(head)
	if q.bytes > 0 {
		text = fmt.Appendf(text, "%d bytes, sum %d\n", q.bytes, q.sum)
	} else {
		n := 1024
		if q.size != "" {
			if _, err := fmt.Sscan(q.size, &n); err != nil {
				return nil, err
			}
		}
		text = append(text, bytes.Repeat([]byte(line), n/len(line)+1)[:n]...)
	}
	var out []byte
	for len(text) > 0 {
		n := min(len(text), 65528)
		out = append(appendHead(out, stdout, n), text[:n]...)
		text = text[n:]
	}
	out = appendHead(out, stdout, 0)
	return append(appendHead(out, endRequest, 8), make([]byte, 8)...), nil
}

func appendHead(b []byte, kind byte, length int) []byte {
	return append(b, 1, kind, 0, 0, byte(length>>8), byte(length), 0, 0)
}

// number writes the number of a request into all records.
func number(records []byte, id uint16) {
	for len(records) >= 8 {
		binary.BigEndian.PutUint16(records[2:], id)
		records = records[8+int(binary.BigEndian.Uint16(records[4:])):]
	}
}
