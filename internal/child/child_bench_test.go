//go:build linux

package child_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"freshet/internal/child"
)

// BenchmarkStart is one program that ends at once, from Start to Wait, beside
// what the standard library needs at least. self-µs/op is the CPU time of
// this process; that of the programs is not in it.
func BenchmarkStart(b *testing.B) {
	const program = "/bin/true"
	b.Run("bare", func(b *testing.B) {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = null.Close() }()
		files := []uintptr{null.Fd(), null.Fd(), null.Fd()}
		measure(b, func() error {
			pid, err := syscall.ForkExec(program, []string{"true"}, &syscall.ProcAttr{Files: files, Env: []string{}})
			if err == nil {
				_, err = syscall.Wait4(pid, nil, 0, nil)
			}
			return err
		})
	})
	for _, c := range []struct {
		name    string
		options child.Options
	}{
		{"plain", child.Options{}},
		{"user", child.Options{User: nobody(b)}},
		{"limits", child.Options{Limits: child.Limits{Memory: 1 << 30, CPU: time.Minute, Files: 64, FileSize: 1 << 20}}},
		{"user-limits", child.Options{User: limitable(b), Limits: child.Limits{Memory: 1 << 30, CPU: time.Minute, Files: 64, FileSize: 1 << 20, Processes: 1000}}},
		{"cgroup", child.Options{Cgroup: "auto"}},
		{"everything", child.Options{User: limitable(b), Limits: child.Limits{CPU: time.Minute, Files: 64}, Cgroup: "auto", NoNetwork: true, Landlock: &child.Landlock{Read: []string{"/"}}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := spawner(b, c.options)
			command := &child.Command{Path: program, Env: []string{"UNIQUE_ID=benchmark"}, Mark: "benchmark"}
			measure(b, func() error {
				p, err := s.Start(command)
				if err == nil {
					p.Wait()
				}
				return err
			})
		})
	}
}

func measure(b *testing.B, f func() error) {
	b.ReportAllocs()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	self := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(self)/1e3/float64(b.N), "self-µs/op")
}
