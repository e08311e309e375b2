package main

import (
	"bufio"
	"io"
	"net"
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
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
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
	c.SetDeadline(time.Now().Add(30 * time.Second))
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
