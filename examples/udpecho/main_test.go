package main

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestUDPEcho builds the program as a reader would, and speaks to it under each
// model.
func TestUDPEcho(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it is ended by a signal")
	}
	program := filepath.Join(t.TempDir(), "udpecho")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // under the race detector, too: what is compiled is there then
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, model := range []string{"inline", "pool", "goroutines", "process"} {
		t.Run(model, func(t *testing.T) { speak(t, program, model) })
	}
}

func speak(t *testing.T, program, model string) {
	cmd := exec.Command(program, "-model", model, "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewReader(out)
	first, _ := lines.ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "echo on ")
	if !ok {
		t.Fatalf("it says %q", first)
	}
	c, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	for _, want := range []string{"hello", "", strings.Repeat("long", 5000)} {
		b := make([]byte, 65536)
		io.WriteString(c, want)
		n, err := c.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Errorf("%.20q, %v", b[:n], err)
		}
	}
	cmd.Process.Signal(os.Interrupt)
	rest, _ := io.ReadAll(lines)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, rest)
	}
	if !strings.Contains(string(rest), "Handled:3") {
		t.Errorf("at the end it says %s", rest)
	}
}

// TestLoops: no answer goes to what would answer it.
func TestLoops(t *testing.T) {
	for from, want := range map[string]bool{"192.0.2.1:7": false, "192.0.2.1:19": false, "192.0.2.1:7007": false, "[2001:db8::1]:53": false, "192.0.2.1:40000": true} {
		if got := mayAnswer(netip.MustParseAddrPort(from), 7007); got != want {
			t.Errorf("%s: %v", from, got)
		}
	}
	if !mayAnswer(netip.AddrPort{}, 0) {
		t.Error("a Unix socket gets no answer")
	}
}
