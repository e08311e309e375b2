package main

import (
	"bytes"
	"context"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// TestEmbed builds the program as a reader would, runs it on a port that is
// free, and asks it for a file.
func TestEmbed(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "embed.exe")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // under the race detector, too: what is compiled is there then
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// Between our letting go of a port and the program's taking it somebody
	// else may take it: then the program ends, and another port is tried.
	for range 5 {
		if serveOnce(t, program, dir) {
			return
		}
	}
	t.Fatal("the program found no free port five times")
}

// serveOnce runs the program on a free port. It returns false when the program
// ended by itself.
func serveOnce(t *testing.T, program, dir string) bool {
	addr := wiretest.Reserve(t)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.Command(program, addr, dir)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() // its error is the signal that ends it
		close(ended)
	}()
	defer func() {
		cmd.Process.Kill()
		<-ended
	}()

	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/hello.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		response, err := client.Do(r)
		if err != nil { // it does not listen yet
			select {
			case <-ended:
				t.Logf("the program ended: %s", stderr.String())
				return false
			case <-ctx.Done():
				t.Fatalf("no answer in time: %v", err)
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || string(body) != "hello\n" {
			t.Errorf("answer: %s, %q, %v", response.Status, body, err)
		}
		if response.Header.Get("ETag") == "" || response.Header.Get("Server") != "freshet" {
			t.Errorf("this is not our answer: %v", response.Header)
		}
		return true
	}
}

// The program is an example because it is short.
func TestEmbedIsShort(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "main.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	first, last := set.Position(file.Package).Line, set.Position(file.FileEnd).Line
	if lines := last - first; lines >= 20 {
		t.Errorf("the program has %d lines, want less than 20", lines)
	}
}
