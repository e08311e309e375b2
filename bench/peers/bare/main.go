// Command bare does what no server of CGI can do without, and nothing else: it
// starts a program, reads what it writes and waits for its end, one after the
// other. It prints how many there were and what that cost itself, the programs
// not counted.
//
// With -spawner it starts them as our server does, which sees to it that nothing
// is left of a program, with -limits within limits, with -landlock under rules.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"syscall"
	"time"
)

func main() {
	program := flag.String("program", "", "what to start")
	each := flag.Duration("for", time.Second, "how long")
	spawner := flag.Bool("spawner", false, "start it with package child")
	limits := flag.Bool("limits", false, "set limits, with -spawner")
	landlock := flag.Bool("landlock", false, "confine it, with -spawner")
	flag.Parse()
	b, err := newBare(*program)
	if err != nil {
		log.Fatal(err)
	}
	once := b.once
	if *spawner {
		s, err := newSpawner(*limits, *landlock)
		if err != nil {
			log.Fatal(err)
		}
		defer s.Close()
		once = func() error { return b.spawn(s) }
	} else {
		runtime.LockOSThread()
	}
	before, start, n := used(), time.Now(), 0
	for ; time.Since(start) < *each; n++ {
		if err := once(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("%d %d %d\n", n, (used() - before).Nanoseconds(), time.Since(start).Nanoseconds())
}

// used is the processor time of this process, user and system.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type bare struct {
	program string
	env     []string
	null    uintptr
	buf     []byte
}

func newBare(program string) (*bare, error) {
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// About as much as a server says.
	env := []string{
		"GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "SERVER_SOFTWARE=bare", "SERVER_NAME=127.0.0.1", "SERVER_PORT=8080",
		"REQUEST_METHOD=GET", "REQUEST_URI=/cgi-bin/page", "SCRIPT_NAME=/cgi-bin/page", "SCRIPT_FILENAME=" + program, "QUERY_STRING=",
		"REMOTE_ADDR=127.0.0.1", "REMOTE_PORT=40000", "HTTP_HOST=127.0.0.1:8080", "DOCUMENT_ROOT=/srv", "PATH=/usr/local/bin:/usr/bin:/bin",
	}
	return &bare{program: program, env: env, null: uintptr(null), buf: make([]byte, 64<<10)}, nil
}

// once starts the program, reads all it writes and waits for it.
func (b *bare) once() error {
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	defer syscall.Close(pipe[0])
	pid, err := syscall.ForkExec(b.program, []string{b.program}, &syscall.ProcAttr{Env: b.env, Files: []uintptr{b.null, uintptr(pipe[1]), b.null}})
	syscall.Close(pipe[1])
	if err != nil {
		return err
	}
	total := 0
	for {
		n, err := syscall.Read(pipe[0], b.buf)
		if err != nil && err != syscall.EINTR {
			return err
		}
		if err == nil && n == 0 {
			break
		}
		total += max(n, 0)
	}
	var status syscall.WaitStatus
	for {
		_, err = syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	if err == nil && (status != 0 || total == 0) {
		err = fmt.Errorf("the program wrote %d bytes and ended with %v: %w", total, status, io.ErrUnexpectedEOF)
	}
	return err
}
