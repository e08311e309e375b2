package tunnel_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/tunnel"
)

// pair returns the two ends of a TCP connection.
func pair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// Bytes go both ways, those that came early first, and an end of one direction
// leaves the other.
func TestJoin(t *testing.T) {
	client, left := pair(t)
	right, server := pair(t)
	var set tunnel.Set
	done := make(chan [2]int64, 1)
	go func() {
		early := bufio.NewReader(io.MultiReader(strings.NewReader("early "), left))
		sent, got, err := set.Join(tunnel.Ends{Client: left, Early: early, Server: right.(*net.TCPConn)}, time.Minute)
		if err != nil {
			t.Error(err)
		}
		done <- [2]int64{sent, got}
	}()
	io.WriteString(client, "late")
	client.(*net.TCPConn).CloseWrite()
	asked, err := io.ReadAll(server)
	if err != nil || string(asked) != "early late" {
		t.Fatalf("the server got %q, %v", asked, err)
	}
	io.WriteString(server, "answer")
	server.Close()
	answer, err := io.ReadAll(client)
	if err != nil || string(answer) != "answer" {
		t.Fatalf("the client got %q, %v", answer, err)
	}
	if n := <-done; n != [2]int64{10, 6} {
		t.Errorf("counted %v", n)
	}
	if set.Open() != 0 {
		t.Error("the tunnel is still counted")
	}
}

// A tunnel in which nothing is sent ends; one in which something is sent does not.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, left := net.Pipe()
		right, server := net.Pipe()
		var set tunnel.Set
		begun := time.Now()
		done := make(chan time.Duration)
		go func() {
			set.Join(tunnel.Ends{Client: left, Server: right}, time.Minute)
			done <- time.Since(begun)
		}()
		time.Sleep(50 * time.Second)
		go client.Write([]byte("x"))
		server.Read(make([]byte, 1))
		if lasted := <-done; lasted != 110*time.Second {
			t.Errorf("ended after %v, want a minute after the byte at 50s", lasted)
		}
	})
}

// Close ends what runs, and what comes later.
func TestClose(t *testing.T) {
	_, left := pair(t)
	right, _ := pair(t)
	var set tunnel.Set
	done := make(chan error)
	go func() {
		_, _, err := set.Join(tunnel.Ends{Client: left, Server: right}, 0)
		done <- err
	}()
	for set.Open() == 0 {
		time.Sleep(time.Millisecond)
	}
	set.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, _, err := set.Join(tunnel.Ends{Client: left, Server: right}, 0); !errors.Is(err, tunnel.ErrClosed) {
		t.Errorf("Join after Close: %v", err)
	}
}
