package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"freshet/internal/alert"
)

// A disk without room tells nobody less: the state, which it has no room for, is
// written when there is some, before which a kill would have it told again.
func TestAlertDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	const size = 16 << 20
	if err := syscall.Mount("alerts", disk, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("mode=700,size=%d", size)); err != nil {
		t.Skip("a small disk needs the right to mount: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := watch(t, filepath.Join(disk, "data"), "serve", "--listen", "127.0.0.1:0", folder(t))
	s.pass(0)
	film := filepath.Join(disk, "film")
	full(t, film)
	s.pass(time.Minute)
	s.pass(5 * time.Minute)
	n := s.next(alert.RaisedNotice, "disk", s.data)
	if *n.Value != 0 {
		t.Errorf("%v %% is free", *n.Value)
	}
	if text, err := os.ReadFile(filepath.Join(s.data, alertsFile)); err == nil {
		t.Errorf("on a full disk is written %s", text)
	}
	if err := os.Truncate(film, size*97/100); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	s.await("the state is written", func() bool {
		_, err := os.Stat(filepath.Join(s.data, alertsFile))
		return err == nil
	})
	s.again()
	s.pass(time.Minute)
	if err := os.Remove(film); err != nil {
		t.Fatal(err)
	}
	s.pass(0)
	s.pass(5 * time.Minute)
	s.over(n)
	s.end()
}

// full writes a file until there is no room.
func full(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zeros, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer zeros.Close()
	if _, err := io.Copy(f, zeros); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filled: %v", err)
	}
}

// Memory that is too little for a rule, and enough for the one after a restart.
func TestAlertMemory(t *testing.T) {
	t.Parallel()
	s := watch(t, "", "serve", "--listen", "127.0.0.1:0", folder(t))
	s.stop()
	s.begin("--alert-rule", "memory: < 100%")
	s.pass(0)
	s.pass(5 * time.Minute)
	n := s.next(alert.RaisedNotice, "memory", "")
	if *n.Value <= 0 || *n.Value >= 100 {
		t.Errorf("%v %% is free", *n.Value)
	}
	s.again("--alert-rule", "memory: < 100%")
	s.pass(23 * time.Hour)
	s.pass(time.Hour)
	if again := s.next(alert.Reminder, "memory", ""); again.Alert != n.Alert {
		t.Errorf("%+v after %+v", again, n)
	}
	s.again("--alert-rule", "memory: < 0.1%")
	s.pass(5 * time.Minute)
	s.over(n)
	s.end()
}
