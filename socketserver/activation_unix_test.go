//go:build unix

package socketserver_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/socketserver"
)

func init() { roles["activated"] = playActivated }

// playActivated is a program that a service manager started: it says what it
// was handed, then serves on all of it until its input ends.
func playActivated() {
	names, err := socketserver.ActivatedNames()
	fmt.Println("names:", names, err)
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "LISTEN_") {
			fmt.Println("left in the environment:", v)
		}
	}
	for _, addr := range []string{"systemd:web", "systemd:local", "fd:3", "systemd:none", "systemd:two", "systemd:dgram", "systemd:", "fd:0", "fd:x", "fd:99"} {
		l, err := socketserver.Listen(addr, 0)
		if err != nil {
			fmt.Println(addr, "error:", err)
			continue
		}
		fmt.Println(addr, "is", l.Addr().Network(), l.Addr())
		l.Close() // the socket stays: it is opened again below
	}
	all, err := socketserver.Activated("")
	fmt.Println("all:", len(all), err)
	two, err := socketserver.Activated("two")
	fmt.Println("two:", len(two), err)
	packets, err := socketserver.ActivatedPackets("")
	fmt.Println("packets:", len(packets), err)
	inherited, err := exec.Command("sh", "-c", "test -e /dev/fd/3 && echo open || echo closed").Output()
	fmt.Printf("in a child: %s %v\n", bytes.TrimSpace(inherited), err)
	fmt.Println("ready")
	for _, l := range append(all, two...) {
		go (&socketserver.Server{Handler: func(c *socketserver.Conn) { fmt.Fprintln(c, "served") }}).Serve(l)
	}
	for _, pc := range packets {
		go func() {
			b := make([]byte, 100)
			for {
				n, from, err := pc.ReadFrom(b)
				if err != nil {
					return
				}
				pc.WriteTo(b[:n], from)
			}
		}()
	}
	io.Copy(io.Discard, os.Stdin)
}

func TestActivation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	var files []*os.File
	keep := func(c interface {
		File() (*os.File, error)
		Close() error
	}, err error) {
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		files = append(files, f)
	}
	web, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	keep(web, err)
	defer web.Close()
	local, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	keep(local, err)
	defer local.Close()
	dgram, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	keep(dgram, err)
	defer dgram.Close()
	for range 2 {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		keep(l, err)
		defer l.Close()
	}
	// LISTEN_PID is known when the program's process is there: the shell's.
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_ROLE=activated", "LISTEN_FDS=5", "LISTEN_FDNAMES=web:local:dgram:two:two")
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	var said strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(said.String(), "ready\n"); {
		if _, err := out.Read(b); err != nil {
			t.Fatalf("it ended after saying:\n%s", said.String())
		}
		said.Write(b)
	}
	for _, want := range []string{
		"names: [web local dgram two two] <nil>",
		"systemd:web is tcp " + web.Addr().String(),
		"systemd:local is unix " + path,
		"fd:3 is tcp " + web.Addr().String(),
		"systemd:none error: listen systemd:none: no listening socket has this name; there are web, local, dgram, two, two",
		"systemd:two error: listen systemd:two: 2 sockets have this name",
		"systemd:dgram error: listen systemd:dgram: no listening socket",
		"systemd: error:",
		"fd:0 error: listen fd:0: getsockopt:",
		"fd:x error: listen fd:x: not the number",
		"fd:99 error: listen fd:99: getsockopt: bad file descriptor",
		"all: 4 <nil>",
		"two: 2 <nil>",
		"packets: 1 <nil>",
		"in a child: closed",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(said.String(), "left in the environment") || t.Failed() {
		t.Errorf("it says:\n%s", said.String())
	}
	for _, a := range []net.Addr{web.Addr(), local.Addr()} {
		c, err := net.Dial(a.Network(), a.String())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "served\n" {
			t.Errorf("%v: %q, %v", a, b, err)
		}
		c.Close()
	}
	c, err := net.Dial("udp", dgram.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "ping")
	b := make([]byte, 10)
	if n, err := c.Read(b); err != nil || string(b[:n]) != "ping" {
		t.Errorf("%q, %v", b[:n], err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the manager's socket file: %v", err)
	}
}
