//go:build !nonats

package bus

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/atrest"
	"freshet/internal/wiretest"
)

var startKills = flag.Int("startkills", 8, "how often a process is killed while it starts, in a folder that is plain and in one that is sealed")

const (
	keptDirVar  = "FRESHET_BUS_KEPT_DIR"
	keptKeysVar = "FRESHET_BUS_KEPT_KEYS"
	keptRoomVar = "FRESHET_BUS_KEPT_ROOM" // how many descriptors it may have open beyond those that it begins with
)

// startUntilKilled is a process that starts a server in a folder until it can, with
// more room for descriptors each time, looks that all entries are there, and writes
// more. It says how far it is.
func startUntilKilled() {
	var ring *atrest.Ring
	if text := os.Getenv(keptKeysVar); text != "" {
		keys, err := atrest.ParseKeys([]byte(text))
		if err != nil {
			fmt.Println("error", err)
			return
		}
		ring = atrest.NewRing(func() *atrest.Keys { return keys })
	}
	room := -1 // any
	_, _ = fmt.Sscan(os.Getenv(keptRoomVar), &room)
	fmt.Println("begins")
	var s *Server
	var err error
	for ; s == nil; room++ {
		s, err = startShort(Options{Dir: os.Getenv(keptDirVar), MaxStore: DefaultMaxStore, Name: "child", Seal: ring}, room)
		if err != nil && (room < 0 || room > 100) {
			fmt.Println("error", err)
			return
		}
		if err != nil {
			fmt.Println("fails", errors.Is(err, ErrDamaged), strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	ctx := context.Background()
	c, err := s.Connect("child")
	var l *Log
	if err == nil {
		l, err = c.Log(ctx, "jobs", LogOptions{})
	}
	last := uint64(0)
	if err == nil {
		err = l.Read(ctx, 0, func(n uint64, entry []byte) error {
			if last++; n != last || string(entry) != string(killEntry(n)) {
				return fmt.Errorf("entry %d, behind %d: %.40q", n, last-1, entry)
			}
			return nil
		})
	}
	if err == nil {
		fmt.Println("open", last)
	}
	for err == nil {
		if last, err = l.Append(ctx, last, killEntry(last+1)); err == nil {
			fmt.Println("wrote", last)
		}
	}
	fmt.Println("error", err)
}

// startShort is Start where NATS may have only so many more files open while it starts;
// less than 0 is any. What else a start does needs more of them at once than NATS.
func startShort(o Options, room int) (*Server, error) {
	if room < 0 {
		return Start(o)
	}
	s := &Server{options: o}
	s.prepare(o.Log, o.MaxStore)
	return s.startShort(room)
}

func (s *Server) startShort(room int) (*Server, error) {
	o := s.options
	s.seal = o.Seal
	err := s.take(o.Dir)
	var sealed *marker
	if err == nil {
		sealed, err = openMarker(o.Dir, o.Seal)
	}
	if err == nil {
		s.nodes, err = openNodes(placeOf(o))
	}
	at := &server.Options{ServerName: o.Name, DontListen: true, CustomClientAuthentication: gate{&s.inside, s.visitor}}
	if err == nil {
		s.stores(at, o.Dir, sealed)
		err = s.keep(at)
	}
	said := &serverLog{broken: s.breaks}
	if err == nil {
		enough := limitFiles(room)
		err = s.begin(at, said)
		enough()
	}
	if err == nil && !s.ns.ReadyForConnections(closePatience) {
		err = errors.New("it does not get ready")
	}
	if err == nil {
		err = s.allOpen(said)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// starter has processes start in a folder.
type starter struct {
	t    *testing.T
	dir  string
	keys string
	told uint64 // the last entry that one said it has written
}

// start has one start, and kills it some time after it has begun, or when it has written
// some entries. It returns what was said of starts that failed, and whether it was open.
func (s *starter) start(room string, after time.Duration) (fails []string, open bool) {
	s.t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), keptDirVar+"="+s.dir, keptKeysVar+"="+s.keys, keptRoomVar+"="+room)
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = child.Wait() }()
	defer func() { _ = child.Process.Kill() }()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		n := uint64(0)
		_, _ = fmt.Sscan(rest, &n)
		switch {
		case what == "begins" && after > 0:
			late := time.AfterFunc(after, func() { _ = child.Process.Kill() })
			defer late.Stop()
		case what == "begins":
		case what == "fails":
			fails = append(fails, rest)
		case what == "open" && n >= s.told:
			open = true
		case what == "wrote":
			if s.told = max(s.told, n); after == 0 && n%5 == 0 {
				return fails, open
			}
		default:
			s.t.Fatalf("after %d entries were acknowledged the child says %q", s.told, lines.Text())
		}
	}
	return fails, open
}

// TestKeptKilled kills processes while they start, at any moment; on Linux in some of
// them NATS has too few descriptors at first, so that it removes streams.
func TestKeptKilled(t *testing.T) {
	bothWays(t, func(t *testing.T, ring *atrest.Ring) {
		t.Parallel()
		chance := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
		s := &starter{t: t, dir: t.TempDir()}
		if ring != nil {
			s.keys = "k1 " + strings.Repeat("31", 32)
		}
		begun := time.Now()
		s.start("", 0)
		whole, opened := time.Since(begun), 0
		for range *startKills {
			room := ""
			if chance.IntN(2) == 0 {
				room = fmt.Sprint(chance.IntN(3))
			}
			if _, open := s.start(room, 1+time.Duration(chance.Int64N(int64(whole)))); open {
				opened++
			}
		}
		t.Logf("%d of %d were open when they were killed", opened, *startKills)
		if _, open := s.start("", 0); !open {
			t.Error("it is not open")
		}
		for _, left := range []string{keptFolder, keptPart} {
			if _, err := os.Lstat(filepath.Join(storeOf(t, s.dir), left)); err == nil {
				t.Errorf("%s is left", left)
			}
		}
	})
}

// TestKeptFiles has NATS be short of descriptors when it starts, so that it removes
// streams, for each number of them until there are enough. What is plain it reads one
// file after the other; only what is sealed needs two at a time.
func TestKeptFiles(t *testing.T) {
	s := &starter{t: t, dir: t.TempDir(), keys: "k1 " + strings.Repeat("31", 32)}
	s.start("", 0)
	fails, open := s.start("0", 0)
	if !open {
		t.Error("it is not open")
	}
	if !filesAreLimited {
		return
	}
	lost := 0
	for _, f := range fails {
		if strings.HasPrefix(f, "true") && strings.Contains(f, "NATS says") && strings.Contains(f, "as they were") {
			lost++
		}
	}
	if t.Logf("%d starts failed:\n%s", len(fails), strings.Join(fails, "\n")); lost == 0 {
		t.Error("NATS has opened all streams: this test tests nothing")
	}
}
