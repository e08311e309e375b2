package gateway

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"freshet/internal/rule"
)

// reads is a source of which each read returns one piece.
type reads []struct {
	text string
	err  error
}

func (p *reads) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	next := (*p)[0]
	*p = (*p)[1:]
	return copy(b, next.text), next.err
}

func (*reads) SetReadDeadline(time.Time) error { return nil }

// What was gathered is read as if it came then.
func TestGather(t *testing.T) {
	const head = "Content-Type: a/b\n\n"
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		from  reads
		whole bool
		rest  string
		rule  rule.ID
		err   error
	}{
		"all":          {reads{{head + "x", io.EOF}}, true, "x", 0, nil},
		"end later":    {reads{{head + "x", nil}}, false, "x", 0, nil},
		"half a head":  {reads{{head[:5], nil}, {head[5:] + "x", io.EOF}}, false, "x", 0, nil},
		"a pause":      {reads{{"", os.ErrDeadlineExceeded}, {head, io.EOF}}, false, "", 0, nil},
		"no head":      {reads{{head[:5], io.EOF}}, true, "", rule.ScriptNoHead, nil},
		"broken":       {reads{{head[:5], broken}}, false, "", rule.ScriptNoHead, broken},
		"nothing":      {reads{{"", io.EOF}}, true, "", rule.ScriptNoHead, nil},
		"a large head": {reads{{"X: " + string(make([]byte, 100)), nil}}, false, "", rule.ScriptHeadTooLarge, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := NewOutput(&tt.from)
			defer o.Release()
			if whole := o.Gather(); whole != tt.whole {
				t.Errorf("whole: %v", whole)
			}
			_, f := o.ReadHead(false, 50)
			switch {
			case tt.rule == 0 && f != nil, tt.rule != 0 && (f == nil || f.Rule != tt.rule || f.Err != tt.err):
				t.Errorf("%+v", f)
			case f == nil && string(o.Rest()) != tt.rest:
				t.Errorf("%q", o.Rest())
			}
		})
	}
}

// Who tries gets a turn that is free, and does not pass those who wait.
func TestTry(t *testing.T) {
	turns := Turns{Running: 1}
	if !turns.Try() || turns.Try() {
		t.Error("of one turn not one was given")
	}
	got := make(chan rule.ID)
	go func() { got <- turns.Take(t.Context()) }()
	for waiting := 0; waiting == 0; _, waiting = turns.Load() {
		time.Sleep(time.Millisecond)
	}
	turns.Leave()
	if turns.Try() {
		t.Error("a turn was given twice")
	}
	if id := <-got; id != 0 {
		t.Error(id)
	}
	turns.Leave()
	if !turns.Try() {
		t.Error("a free turn was not given")
	}
}
