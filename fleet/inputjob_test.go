package fleet_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"freshet/fleet"
	"freshet/jobs"
)

// parcel is what a job comes with.
type parcel struct {
	files []jobs.File
	texts []string
}

func (p *parcel) add(name, content string) *parcel {
	sum := sha256.Sum256([]byte(content))
	p.files = append(p.files, jobs.File{Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content))})
	p.texts = append(p.texts, content)
	return p
}

// send sends what the server lacks.
func (p *parcel) send(t *testing.T, c *fleet.Client) (sent int64) {
	t.Helper()
	told := int64(0)
	sent, err := c.SendInputs(t.Context(), p.files, p.open, func(done, all int64) {
		if done < told || done > all {
			t.Errorf("%d of %d bytes after %d", done, all, told)
		}
		told = done
	})
	if err != nil || told != sent {
		t.Fatalf("%v; %d bytes, %d told", err, sent, told)
	}
	return sent
}

func (p *parcel) open(i int) (io.ReadSeekCloser, error) {
	return struct {
		io.ReadSeeker
		io.Closer
	}{strings.NewReader(p.texts[i]), io.NopCloser(nil)}, nil
}

// A job comes with files: they are sent once, and each run has copies of its
// own, here and on another machine, where they are fetched once.
func TestInputsOfJobs(t *testing.T) {
	_, c := hub(t)
	join(t, invite(t, c, "far"), map[string]string{"far": ""})
	const large = 3 << 20 // several pieces
	p := new(parcel).add("in.txt", "one").add("dir/in.bin", strings.Repeat("x", large)).add("same.txt", "one").add("empty", "")
	program := jobs.Spec{Command: []string{"sh", "-c", "cat in.txt same.txt empty && wc -c < dir/in.bin && echo changed > in.txt && test ! -x same.txt"}, Files: p.files}
	if _, err := c.Submit(t.Context(), program); !errors.Is(err, jobs.ErrSpec) || !strings.Contains(err.Error(), `"in.txt" is not here`) {
		t.Fatal(err)
	}
	if sent := p.send(t, c); sent != large+3 {
		t.Errorf("%d bytes were sent", sent)
	}
	if sent := p.send(t, c); sent != 0 {
		t.Errorf("%d bytes were sent again", sent)
	}
	for _, needs := range []map[string]string{nil, {"far": ""}} {
		program.Needs, program.Array = needs, jobs.Range(1, 4)
		id := submit(t, c, program)
		info, err := c.Wait(t.Context(), id)
		if err != nil || info.State != jobs.Succeeded {
			text, _ := c.Log(t.Context(), id, 1, 0)
			t.Fatalf("needs %v: %v, %v: %s\n%s", needs, err, info.State, info.Reason, text)
		}
		for task := range program.Array.All {
			if text, err := c.Log(t.Context(), id, task, 0); err != nil || strings.ReplaceAll(string(text), " ", "") != "oneone3145728\n" {
				t.Errorf("needs %v, task %d: %q, %v", needs, task, text, err)
			}
		}
	}
}

// What was changed between its digest and its way is refused, and so is what is
// shorter than it was.
func TestInputsThatChange(t *testing.T) {
	_, c := hub(t)
	for name, text := range map[string]string{"another": "onf", "shorter": "on"} {
		p := new(parcel).add("in.txt", "one")
		p.texts[0] = text
		if _, err := c.SendInputs(t.Context(), p.files, p.open, nil); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if sent := new(parcel).add("in.txt", "one").send(t, c); sent != 3 {
		t.Errorf("%d bytes were sent", sent)
	}
}

// A long file goes in pieces that fit into a request of a monitor.
func TestInputsInRequests(t *testing.T) {
	_, c := hub(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16)
	if sent := new(parcel).add("long", string(content)).send(t, c); sent != int64(len(content)) {
		t.Errorf("%d bytes were sent", sent)
	}
	if sent := new(parcel).add("long", string(content)).send(t, c); sent != 0 {
		t.Errorf("%d bytes were sent again", sent)
	}
}
