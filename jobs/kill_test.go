package jobs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"freshet/internal/atrest"
)

// killFolder is the variable that makes the test binary the process that is
// killed.
const killFolder = "FRESHET_TEST_JOBS_FOLDER"

// killKeys is the variable with the names of its keys.
const killKeys = "FRESHET_TEST_JOBS_KEYS"

// killChild submits, claims and finishes as fast as it can, and says what was
// acknowledged, until it is killed.
func killChild(dir string) {
	log, err := OpenSealedFileLog(dir, testRing(strings.Fields(os.Getenv(killKeys))...))
	if err != nil {
		panic(err)
	}
	s, err := New(ctx, log, Options{PageEntries: 50})
	if err != nil {
		panic(err)
	}
	for {
		ids, err := s.Submit(ctx, Spec{Command: []string{"true"}}, Spec{Command: []string{"true"}, Array: Range(1, 3)})
		if err != nil {
			panic(err)
		}
		fmt.Printf("submitted %s %s\n", ids[0], ids[1])
		for range 3 {
			task, err := s.Claim(ctx, Worker{Node: "child"})
			if err != nil {
				panic(err)
			}
			if err := s.Finish(ctx, task.Lease, Result{}); err != nil {
				panic(err)
			}
			fmt.Printf("finished %s %d %d\n", task.Job, task.Task, task.Token)
		}
	}
}

func TestKill(t *testing.T) { eachForm(t, testKill) }

func testKill(t *testing.T, ring *atrest.Ring) {
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	submitted, finished := map[ID]bool{}, map[string]uint64{}
	last := uint64(0)
	for round := range 4 {
		child := exec.Command(self)
		child.Env = append(os.Environ(), killFolder+"="+dir)
		if ring != nil {
			child.Env = append(child.Env, killKeys+"=a b")
		}
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for n := 0; ; n++ {
			if n == 40+60*round {
				_ = child.Process.Kill()
			}
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch what {
			case "submitted":
				for id := range strings.FieldsSeq(rest) {
					submitted[ID(id)] = true
				}
			case "finished":
				var id string
				var task int64
				var token uint64
				if _, err := fmt.Sscan(rest, &id, &task, &token); err != nil {
					t.Fatal(err)
				}
				key := fmt.Sprintf("%s %d", id, task)
				if finished[key] != 0 {
					t.Fatalf("task %s was finished twice", key)
				}
				if token <= last {
					t.Fatalf("token %d after %d", token, last)
				}
				finished[key], last = token, token
				submitted[ID(id)] = true // who was killed may not have told us
			}
		}
		_ = child.Wait()
		checkKilled(t, dir, ring, submitted, finished)
	}
	if len(finished) == 0 {
		t.Error("nothing was finished")
	}
}

// checkKilled looks whether everything that was acknowledged is there.
func checkKilled(t *testing.T, dir string, ring *atrest.Ring, submitted map[ID]bool, finished map[string]uint64) {
	log, err := OpenSealedFileLog(dir, ring)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := OpenSealedFileLog(dir, ring); !errors.Is(err, ErrFenced) {
		t.Errorf("opened twice: %v", err)
	}
	s, err := New(ctx, log, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	succeeded := map[string]bool{}
	for id := range submitted {
		tasks, err := s.Tasks(ctx, id, TaskFilter{States: []State{Succeeded}})
		if err != nil {
			t.Errorf("job %s was acknowledged: %v", id, err)
		}
		for _, task := range tasks {
			succeeded[fmt.Sprintf("%s %d", id, task.Task)] = true
		}
	}
	for key := range finished {
		if !succeeded[key] {
			t.Errorf("task %s was acknowledged as finished, and is not", key)
		}
	}
	// The child has had at most one answer that it did not tell us.
	if len(succeeded) > len(finished)+4 {
		t.Errorf("%d tasks succeeded, %d were finished", len(succeeded), len(finished))
	}
}
