package guard

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/rule"
	"freshet/internal/userfile"
	"freshet/internal/who"
)

// doors is a guard by name and password whose clock the test moves.
type doors struct {
	*Basic
	file   string
	mu     sync.Mutex
	now    int64
	faults []string
}

func (d *doors) clock() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *doors) pass(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now += int64(t)
}

func (d *doors) put(t testing.TB, lines ...string) {
	t.Helper()
	if err := os.WriteFile(d.file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func lineFor(t testing.TB, name, password string) string {
	t.Helper()
	line, err := userfile.Line(name, password, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func newDoors(t testing.TB, realm string, lines ...string) *doors {
	t.Helper()
	d := &doors{file: filepath.Join(t.TempDir(), "users"), now: 1_800_000_000 * second}
	d.put(t, lines...)
	var err error
	d.Basic, err = OpenBasic(BasicOptions{File: d.file, Realm: realm, Trusted: front, Tries: NewTries(), Passwords: NewPasswords(), Now: d.clock},
		func(err error) { d.faults = append(d.faults, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// login asks as somebody at an address.
func (d *doors) login(remote, name, password string) (*http.Request, rule.ID, http.Header) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = remote
	r.SetBasicAuth(name, password)
	fields := http.Header{}
	on, refused := d.Check(fields, r)
	return on, refused, fields
}

const ann, bob = "192.0.2.1:1", "192.0.2.2:1"

func TestBasic(t *testing.T) {
	d := newDoors(t, `a "b" \c`, lineFor(t, "ann", "s\u00e4:cret"))
	on, refused, _ := d.login(ann, "ann", "s\u00e4:cret")
	if refused != 0 || who.Of(on) == nil || *who.Of(on) != (who.Who{Name: "ann", Method: "Basic"}) || on.Header.Get("Authorization") != "" || on.Header.Get("Remote-User") != "ann" {
		t.Fatalf("%v, %+v", refused, on)
	}
	code := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, tt := range []struct {
		lines []string
		want  rule.ID
	}{
		{nil, rule.LoginMissing},
		{[]string{""}, rule.LoginMissing},
		{[]string{"Bearer abc"}, rule.LoginMissing},
		{[]string{"basic " + code("ann:s\u00e4:cret")[6:]}, 0},
		{[]string{"Basic   " + code("ann:s\u00e4:cret")[6:] + " "}, 0},
		{[]string{code("ann:x")}, rule.LoginWrong},
		{[]string{code("eve:s\u00e4:cret")}, rule.LoginWrong},
		{[]string{"Basic"}, rule.LoginMalformed},
		{[]string{"Basic !"}, rule.LoginMalformed},
		{[]string{"Basic YW5uOng"}, rule.LoginMalformed},
		{[]string{"Basic YW5uOnh="}, rule.LoginMalformed},
		{[]string{code("ann")}, rule.LoginMalformed},
		{[]string{code(":x")}, rule.LoginMalformed},
		{[]string{code("ann:")}, rule.LoginMalformed},
		{[]string{code("ann:x\r\ny")}, rule.LoginMalformed},
		{[]string{code("ann:\xff")}, rule.LoginMalformed},
		{[]string{code("ann:" + strings.Repeat("x", 1025))}, rule.LoginMalformed},
		{[]string{code("ann:s\u00e4:cret"), code("ann:s\u00e4:cret")}, rule.LoginMalformed},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = tt.lines
		w := httptest.NewRecorder()
		Handler(&saw{}, d).ServeHTTP(w, r)
		row := rule.Of(tt.want)
		if tt.want == 0 {
			if w.Code != 200 {
				t.Errorf("%q: %d", tt.lines, w.Code)
			}
			continue
		}
		if w.Code != row.Status || w.Header().Get("WWW-Authenticate") != `Basic realm="a \"b\" \\c", charset="UTF-8"` || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), row.Sentence) {
			t.Errorf("%q: %d, %v, %s", tt.lines, w.Code, w.Header(), w.Body)
		}
		if on, e := d.Why(r); on != nil || e.Rule != tt.want || !e.Compared[0].Fails {
			t.Errorf("%q: %+v", tt.lines, e)
		}
	}
}

// Users change while they are used, and what was remembered of a password ends with
// its line.
func TestUsersChange(t *testing.T) {
	first, other := lineFor(t, "ann", "one"), lineFor(t, "ann", "two")
	d := newDoors(t, "", first)
	expect := func(when, password string, want rule.ID) {
		t.Helper()
		if _, refused, _ := d.login(ann, "ann", password); refused != want {
			t.Errorf("%s: %v, want %v", when, refused, want)
		}
	}
	expect("at first", "one", 0)
	d.put(t, other)
	d.pass(time.Second)
	expect("with another password, the old one", "one", rule.LoginWrong)
	expect("with another password, that", "two", 0)
	d.put(t, "ann:plain")
	d.pass(time.Second)
	expect("with a fault in the file", "two", 0)
	if len(d.faults) != 1 || !strings.Contains(d.faults[0], "line 1: the password of ann is not hashed") {
		t.Errorf("told %q", d.faults)
	}
	d.put(t, "# nobody")
	d.pass(time.Second)
	expect("without users", "two", rule.LoginWrong)
	if _, err := OpenBasic(BasicOptions{File: d.file}, nil); err == nil || !strings.Contains(err.Error(), "freshet user add") {
		t.Errorf("a file without users: %v", err)
	}
}

// A name is one, in whatever form a client writes it: for those who are told of it,
// and for the bounds on guesses.
func TestBasicForm(t *testing.T) {
	d := newDoors(t, "", lineFor(t, "M\u00fcller", "gr\u00fcn"))
	for range 2 { // compared, and remembered
		on, refused, _ := d.login(ann, "Mu\u0308ller", "gru\u0308n")
		if refused != 0 || who.Of(on).Name != "M\u00fcller" || on.Header.Get("Remote-User") != "M\u00fcller" {
			t.Fatalf("%v, %+v", refused, on)
		}
	}
	for i := range MaxForName {
		name := []string{"M\u00fcller", "Mu\u0308ller"}[i%2]
		d.o.Tries.Failed(Attempt{netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), d.file, userfile.Form(name)}, time.Unix(0, d.now))
	}
	if _, refused, _ := d.login(bob, "Mu\u0308ller", "gru\u0308n"); refused != rule.TriesTooMany {
		t.Errorf("%v", refused)
	}
}

// After so many wrong passwords none is looked at for a time; the right one from
// elsewhere is, and who has shown it goes on.
func TestTries(t *testing.T) {
	d := newDoors(t, "", lineFor(t, "ann", "secret"))
	expect := func(when, remote, name, password string, want rule.ID) {
		t.Helper()
		_, refused, fields := d.login(remote, name, password)
		wait, _ := strconv.Atoi(fields.Get("Retry-After"))
		if refused != want || (wait > 0) != (want == rule.TriesTooMany) || wait > int(TriesTime/time.Second)+1 {
			t.Errorf("%s: %v, Retry-After %d", when, refused, wait)
		}
	}
	for range MaxForClient {
		expect("a guess", bob, "ann", "guess", rule.LoginWrong)
	}
	expect("one more", bob, "ann", "guess", rule.TriesTooMany)
	expect("the right one", bob, "ann", "secret", rule.TriesTooMany)
	expect("from elsewhere", ann, "ann", "secret", 0)
	expect("the right one, which is remembered now", bob, "ann", "secret", rule.TriesTooMany)
	d.pass(TriesTime + time.Second)
	expect("after a while", bob, "ann", "secret", 0)

	// What was mistyped does not count once it is right; what was guessed for others
	// does, so that no account of one's own makes guesses free.
	for range 2 * MaxForClient {
		expect("mistyped", ann, "ann", "secrte", rule.LoginWrong)
		expect("right", ann, "ann", "secret", 0)
	}
	d.pass(TriesTime + time.Second)
	for range MaxForClient {
		expect("for another", ann, "eve", "guess", rule.LoginWrong)
		if _, refused, _ := d.login(ann, "ann", "secret"); refused != 0 {
			break
		}
	}
	expect("for another, too often", ann, "eve", "guess", rule.TriesTooMany)

	// Many clients guess for one name; who has shown its password goes on.
	d.pass(TriesTime + time.Second)
	expect("once", ann, "ann", "secret", 0)
	for i := range MaxForName {
		expect("of many", "[2001:db8:0:"+strconv.FormatInt(int64(i), 16)+"::1]:1", "ann", "guess", rule.LoginWrong)
	}
	expect("of a new one", "198.51.100.1:1", "ann", "secret", rule.TriesTooMany)
	expect("of one who is known", ann, "ann", "secret", 0)

	// A network of IPv6 is one client.
	d.pass(TriesTime + time.Second)
	for i := range MaxForClient {
		expect("of a network", "[2001:db8::"+strconv.Itoa(i)+"]:1", "x"+strconv.Itoa(i), "guess", rule.LoginWrong)
	}
	expect("of the same", "[2001:db8::ffff]:1", "ann", "secret", rule.TriesTooMany)
	expect("of the next", "[2001:db8:0:1::1]:1", "ann", "secret", 0)
}

// So many passwords are compared at once, so many wait, and others come later.
func TestLoginsBusy(t *testing.T) {
	d := newDoors(t, "", lineFor(t, "ann", "secret"))
	var leave []func()
	for range d.o.Passwords.turns.Running {
		l, refused := d.o.Passwords.turn(context.Background())
		if refused != 0 {
			t.Fatal(refused)
		}
		leave = append(leave, l)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	for range maxWaiting {
		waiting.Go(func() {
			if l, refused := d.o.Passwords.turn(ctx); refused == 0 {
				l()
			}
		})
	}
	for {
		if _, n := d.o.Passwords.turns.Load(); n == maxWaiting {
			break
		}
		time.Sleep(time.Millisecond) // until all of them wait
	}
	if _, refused, fields := d.login(ann, "ann", "secret"); refused != rule.LoginsBusy || fields.Get("Retry-After") != "1" {
		t.Errorf("%v, %v", refused, fields)
	}
	cancel()
	waiting.Wait()
	for _, l := range leave {
		l()
	}
	if _, refused, _ := d.login(ann, "ann", "secret"); refused != 0 {
		t.Errorf("%v", refused)
	}
}

// A password that was right is not compared again for a while: nothing runs.
func TestRemembered(t *testing.T) {
	d := newDoors(t, "", lineFor(t, "ann", "secret"))
	if _, refused, _ := d.login(ann, "ann", "secret"); refused != 0 {
		t.Fatal(refused)
	}
	d.o.Passwords.turns.Running, d.o.Passwords.turns.Queue = 1, -1
	leave, _ := d.o.Passwords.turn(context.Background())
	if _, refused, _ := d.login(ann, "ann", "secret"); refused != 0 {
		t.Errorf("what is remembered: %v", refused)
	}
	if _, refused, _ := d.login(ann, "ann", "Secret"); refused != rule.LoginsBusy {
		t.Errorf("what is not: %v", refused)
	}
	d.pass(RememberedFor)
	if _, refused, _ := d.login(ann, "ann", "secret"); refused != rule.LoginsBusy {
		t.Errorf("what was: %v", refused)
	}
	leave()
}

// No Authorization lets pass but one that is that of a user.
func FuzzCredentials(f *testing.F) {
	for _, s := range []string{"Basic YW5uOnNlY3JldA==", "basic  YW5uOnNlY3JldA== ", "Basic", "Bearer x", "Basic OnNlY3JldA==", "Basic YW5uOg==", "Basic TXXMiGxsZXI6Z3J1zIhu"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := &http.Request{Header: http.Header{"Authorization": {line}}}
		name, password, refused := credentials(r)
		if (refused == 0) != (name != "") || refused == 0 && (!who.Valid(name) || password == "" || strings.Contains(name, ":")) {
			t.Errorf("%q: %q, %q, %v", line, name, password, refused)
		}
		if n, p, ok := r.BasicAuth(); refused == 0 && ok && (userfile.Form(n) != name || userfile.Form(p) != password) {
			t.Errorf("%q: %q, %q; net/http says %q, %q", line, name, password, n, p)
		}
	})
}
