//go:build !nonats

package fleet_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"freshet/fleet"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

// smallDisk is a file system with room for so many bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("small", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("mode=700,size=%d", size)); err != nil {
		t.Skip("a small disk needs the right to mount: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filled: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A queue whose disk is full goes on when there is room, by itself, with all that
// it has acknowledged; a worker elsewhere stays joined, and what it runs goes on.
func TestKeeperFullDisk(t *testing.T) {
	disk := smallDisk(t, 16<<20)
	k, err := fleet.Keep(t.Context(), fleet.Options{Dir: filepath.Join(disk, "jobs"), Name: "hub", Tasks: 1, Listen: wiretest.Reserve(t), ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	c := clientOf(k.Handler())
	far := map[string]string{"far": ""}
	join(t, invite(t, c, "far"), far)
	open := t.TempDir() // to those that programs run as, too
	for _, dir := range []string{open, filepath.Dir(open)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	goOn := filepath.Join(open, "go")
	long := submit(t, c, jobs.Spec{Command: []string{"sh", "-c", "while ! test -e " + goOn + "; do sleep 0.05; done"}, Needs: far})
	eventually(t, "it runs", func() bool {
		info, err := c.Job(t.Context(), long)
		return err == nil && info.Counts.Of(jobs.Running) == 1
	})
	here := submit(t, c, jobs.Spec{Command: []string{"sh", "-c", "while ! test -e " + goOn + "; do sleep 0.05; done"}})
	acknowledged := []jobs.ID{long, here}

	fill(t, filepath.Join(disk, "filler"))
	eventually(t, "it stops", func() bool {
		ids, err := c.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}, Name: fmt.Sprintf("%0200d", len(acknowledged))})
		acknowledged = append(acknowledged, ids...)
		if len(acknowledged) > 1<<14 {
			t.Fatal("there is always room")
		}
		for ; err == nil && len(ids) == 1 && len(acknowledged) < 1<<14; acknowledged = append(acknowledged, ids...) {
			ids, err = c.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}})
		}
		return errors.Is(err, fleet.ErrAway)
	})
	if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes on", func() bool {
		ids, err := c.Submit(t.Context(), jobs.Spec{Command: []string{"true"}})
		acknowledged = append(acknowledged, ids...)
		return err == nil
	})
	for _, id := range acknowledged {
		if _, err := c.Job(t.Context(), id); err != nil {
			t.Errorf("%s was acknowledged: %v", id, err)
		}
	}
	if err := os.WriteFile(goOn, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, id := range []jobs.ID{long, here, acknowledged[len(acknowledged)-1]} {
		if info, err := c.Wait(t.Context(), id); err != nil || info.State != jobs.Succeeded {
			t.Errorf("%+v %v", info, err)
		}
	}
	again := submit(t, c, jobs.Spec{Command: []string{"true"}, Needs: far})
	if info, err := c.Wait(t.Context(), again); err != nil || info.State != jobs.Succeeded {
		t.Errorf("%+v %v", info, err)
	}
}

// A server that is started on a full disk serves without its queue until there is
// room, and then with all that was in it; the same if it was never there.
func TestKeeperFullDiskAtStart(t *testing.T) {
	for _, name := range []string{"first", "later"} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, 16<<20)
			o := fleet.Options{Dir: filepath.Join(disk, "jobs"), Name: "hub", Tasks: 1, Listen: wiretest.Reserve(t), ErrorLog: quiet}
			keep := func() *fleet.Keeper {
				t.Helper()
				k, err := fleet.Keep(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				return k
			}
			var id jobs.ID
			if name == "later" {
				k := keep()
				id = submit(t, clientOf(k.Handler()), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}})
				if err := k.Close(); err != nil {
					t.Fatal(err)
				}
			}
			filler := filepath.Join(disk, "filler")
			fill(t, filler)
			k := keep()
			t.Cleanup(func() {
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			})
			c := clientOf(k.Handler())
			eventually(t, "it is away", func() bool { // NATS may find out when it writes first
				_, err := c.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}})
				return errors.Is(err, fleet.ErrAway)
			})
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is open", func() bool {
				_, err := c.Submit(t.Context(), jobs.Spec{Command: []string{"true"}})
				return err == nil
			})
			if id != "" {
				if _, err := c.Job(t.Context(), id); err != nil {
					t.Errorf("what was acknowledged: %v", err)
				}
			}
		})
	}
}

// The same of a peer, which is none until there is room.
func TestPeerFullDiskAtStart(t *testing.T) {
	disk := smallDisk(t, 16<<20)
	var places []fleet.PeerPlace
	for _, name := range []string{"a", "b", "c"} {
		places = append(places, fleet.PeerPlace{Name: name, Address: wiretest.Reserve(t)})
	}
	tokens, err := fleet.NewPeers(places)
	if err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	k, err := fleet.Keep(t.Context(), fleet.Options{Dir: filepath.Join(disk, "jobs"), Tasks: 1, Listen: wiretest.Reserve(t), Peer: &fleet.Peer{Token: tokens[0]}, ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := k.Away(); !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is a peer that waits for the others", func() bool { return errors.Is(k.Away(), fleet.ErrStandby) })
}
