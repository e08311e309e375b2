package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"freshet/internal/config"
	"freshet/internal/userfile"
)

// A guard by name is shared by routes of the same file, and goes with the last one:
// changes of the configuration do not pile them up.
func TestUsersOfDroppedConfigurations(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	line, err := userfile.Line("ann", "secret", []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var a access
	w := &within{log: slog.New(slog.DiscardHandler), now: func() int64 { return time.Now().UnixNano() }}
	kept, err := a.users(&config.Access{Users: file, Realm: "kept"}, nil, w)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if _, err := a.users(&config.Access{Users: file, Realm: string(rune('a' + i))}, nil, w); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 {
			runtime.GC()
		}
	}
	if n := len(a.basic); n > 60 {
		t.Errorf("%d guards are kept", n)
	}
	if again, err := a.users(&config.Access{Users: file, Realm: "kept"}, nil, w); err != nil || again != kept {
		t.Errorf("a file that a route has was opened again; %v", err)
	}
	runtime.KeepAlive(kept)
}
