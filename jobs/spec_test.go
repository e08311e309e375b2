package jobs

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSpecCheck(t *testing.T) {
	good := Spec{
		Name: "render the film", Owner: "ann@example.org", Pool: "gpu", Command: []string{"blender", "-b", "a.blend", "-f", "{frame}"},
		Env: []string{"A=b", "C="}, Array: Range(1, 250), Timeout: time.Hour, Retries: 3, Backoff: time.Second, Priority: -5,
		Needs: map[string]string{"os": "linux", "gpu": ""}, After: []ID{makeID(7)}, AfterAny: true,
		Files: []File{{Name: "a.blend", SHA256: strings.Repeat("0a", 32), Size: 12, Exec: true}}, Outputs: []string{"out/*.png"}, Progress: `(\d+)%`,
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(&good)
	if err != nil {
		t.Fatal(err)
	}
	var again Spec
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, good) {
		t.Errorf("%s is read as %+v, %v", text, again, err)
	}
	cron := Spec{Kind: "warm", Params: map[string]string{"urls": "x"}, Schedule: "@daily", Zone: "Europe/Berlin"}
	if err := cron.Check(); err != nil {
		t.Error(err)
	}

	bad := func(want string, change func(*Spec)) {
		t.Helper()
		s := Spec{Command: []string{"true"}}
		change(&s)
		if err := s.Check(); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	many := func(n int) []string { return strings.Split(strings.Repeat("A=b,", n-1)+"A=b", ",") }
	bad("command, kind", func(s *Spec) { s.Command = nil })
	bad("command, kind", func(s *Spec) { s.Kind = "warm" })
	bad("words: 4097", func(s *Spec) { s.Command = many(maxArgs + 1) })
	bad("command: bytes", func(s *Spec) { s.Command = []string{"x", strings.Repeat("y", maxArgBytes)} })
	bad("byte 0", func(s *Spec) { s.Command = []string{"x", "a\x00b"} })
	bad("not UTF-8", func(s *Spec) { s.Command = []string{"x", "a\xff"} })
	bad("no name", func(s *Spec) { s.Command = []string{""} })
	bad("env: variables", func(s *Spec) { s.Env = many(maxEnv + 1) })
	bad("NAME=value", func(s *Spec) { s.Env = []string{"=x"} })
	bad("env: bytes", func(s *Spec) { s.Env = []string{"A=" + strings.Repeat("y", maxEnvBytes)} })
	bad("name: bytes", func(s *Spec) { s.Name = strings.Repeat("y", maxName+1) })
	bad("line of text", func(s *Spec) { s.Name = "a\nb" })
	bad("line of text", func(s *Spec) { s.Name = "a\xff" })
	bad("owner", func(s *Spec) { s.Owner = "a b" })
	bad("pool", func(s *Spec) { s.Pool = strings.Repeat("y", maxWord+1) })
	bad("dir", func(s *Spec) { s.Dir = strings.Repeat("y", maxPath+1) })
	bad("timeout", func(s *Spec) { s.Timeout = -1 })
	bad("timeout", func(s *Spec) { s.Timeout = 400 * 24 * time.Hour })
	bad("backoff", func(s *Spec) { s.Backoff = 25 * time.Hour })
	bad("retries: 101", func(s *Spec) { s.Retries = 101 })
	bad("priority", func(s *Spec) { s.Priority = 1001 })
	bad("needs", func(s *Spec) { s.Needs = map[string]string{"": "x"} })
	bad("after", func(s *Spec) { s.After = []ID{"7"} })
	bad("after: jobs", func(s *Spec) { s.After = make([]ID, maxAfter+1) })
	bad("after_any", func(s *Spec) { s.AfterAny = true })
	for _, name := range []string{"", ".", "..", "../x", "/x", "a/../b", "a//b", `a\b`, "a\x00"} {
		bad("relative path", func(s *Spec) { s.Files = []File{{Name: name, SHA256: strings.Repeat("00", 32)}} })
	}
	bad("SHA-256", func(s *Spec) { s.Files = []File{{Name: "a", SHA256: "00"}} })
	bad("twice", func(s *Spec) { f := File{Name: "a", SHA256: strings.Repeat("00", 32)}; s.Files = []File{f, f} })
	bad("a folder of others", func(s *Spec) {
		f := File{Name: "a/b/c", SHA256: strings.Repeat("00", 32)}
		g := f
		g.Name = "a"
		s.Files = []File{f, g}
	})
	bad("outputs", func(s *Spec) { s.Outputs = []string{"../*"} })
	bad("outputs", func(s *Spec) { s.Outputs = []string{"[a"} })
	bad("schedule", func(s *Spec) { s.Schedule = "x" })
	bad("zone", func(s *Spec) { s.Zone = "UTC" })
	bad("progress", func(s *Spec) { s.Progress = "(" })
	bad("0 groups", func(s *Spec) { s.Progress = "x" })
	bad("array: numbers", func(s *Spec) { s.Array = Range(1, MaxTasks+1) })

	// Every fault is named.
	s := Spec{Retries: -1, Priority: 5000}
	if err := s.Check(); strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v", err)
	}
}

func TestID(t *testing.T) {
	before := ID("")
	for _, n := range []uint64{0, 1, 31, 32, 1023, 1024, 1 << 20, 1<<45 - 1} {
		id := makeID(n)
		if got, err := id.number(); got != n || err != nil {
			t.Errorf("%d: %s: %d, %v", n, id, got, err)
		}
		if id <= before {
			t.Errorf("%s is not behind %s", id, before)
		}
		before = id
	}
	if n, err := ID("00000000Z").number(); n != 31 || err != nil {
		t.Error(n, err)
	}
	for _, bad := range []ID{"", "1", "00000000u", "0000000000", "00000000é"} {
		if _, err := bad.number(); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
