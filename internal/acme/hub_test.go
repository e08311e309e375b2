package acme_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/acme"
	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

// member opens a site whose certificates are those of a hub.
func (s *site) member(of *site, o acme.Options) *acme.Hub {
	s.t.Helper()
	h := &acme.Hub{}
	h.Link(func(ctx context.Context, q []byte) ([]byte, error) { return of.m.Answer(ctx, fmt.Sprintf("%p", s), q) })
	o.Hub, o.Folder = h, filepath.Join(s.t.TempDir(), "c")
	s.open(o)
	return h
}

// TestFleet: of a hub and two members that begin at once one orders, whichever
// of them the authority reaches; all serve the same, also while the hub is away,
// and then nobody orders.
func TestFleet(t *testing.T) {
	t.Parallel()
	hub, one, two := newSite(t), newSite(t), newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: two.http})
	o := acme.Options{Names: []string{shop}, Folder: filepath.Join(t.TempDir(), "hub"), Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often}
	hub.open(o)
	of := o
	of.Names = []string{shop, "own.example.org"}
	one.member(hub, of)
	link := two.member(hub, o)
	first := hub.until(shop, has)
	if first.Err != nil {
		t.Error(first.Err)
	}
	want, err := dial(hub.tls, shop, a.Issued())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*site{one, two} {
		s.until(shop, has)
		if got, err := dial(s.tls, shop, a.Issued()); err != nil || !got.Equal(want) {
			t.Errorf("a member serves another certificate: %v", err)
		}
	}
	one.until("own.example.org", has)
	// Who is given a key is told, once.
	for _, s := range []*site{one, two} {
		if told := strings.Count(hub.log.String(), fmt.Sprintf(`is given the key of a certificate" server=%p name=%s`, s, shop)); told != 1 {
			t.Errorf("that %p has the key of %s is told %d times", s, shop, told)
		}
	}
	if n := strings.Count(a.Said(), "Issued certificate serial"); n != 2 {
		t.Errorf("%d certificates for 2 names", n)
	}
	if n := strings.Count(a.Said(), "There are now 2 accounts"); n != 0 {
		t.Error("the fleet has two accounts")
	}

	link.Link(nil)
	state := two.until(shop, func(n acme.State) bool {
		if n.Err == nil { // again: what it had begun to keep may come after that
			change(t, two.dir, "_selectedTime", time.Now().Add(-time.Minute))
		}
		return n.Err != nil
	})
	if !errors.Is(state.Err, acme.ErrAway) {
		t.Errorf("with the hub away: %+v", state)
	}
	if got, err := dial(two.tls, shop, a.Issued()); err != nil || !got.Equal(want) {
		t.Errorf("with the hub away it serves something else: %v", err)
	}
	if n := strings.Count(a.Said(), "Issued certificate serial"); n != 2 {
		t.Errorf("with the hub away something was ordered: %d", n)
	}
}

// TestFleetCut: a hub that does not answer what is asked while a certificate is
// ordered is away, and neither the authority's fault nor a reason to ask another
// one.
func TestFleetCut(t *testing.T) {
	for _, do := range []string{"lock", "store", "push"} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			hub, one := newSite(t), newSite(t)
			a := acmetest.Start(t, acmetest.Options{HTTP: one.http})
			o := acme.Options{Names: []string{"of.hub.example.org"}, Folder: filepath.Join(t.TempDir(), "hub"), Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often}
			hub.open(o)
			o.Names, o.Others, o.Folder = []string{shop}, []string{"https://" + wiretest.Reserve(t) + "/"}, filepath.Join(t.TempDir(), "c")
			h := &acme.Hub{}
			var cuts atomic.Int64
			h.Link(func(ctx context.Context, q []byte) ([]byte, error) {
				if bytes.Contains(q, []byte(`"do":"`+do+`"`)) && cuts.Add(1) <= 3 {
					return nil, errors.New("the line is cut")
				}
				return hub.m.Answer(ctx, "n1", q)
			})
			o.Hub = h
			one.open(o)
			if state := one.until(shop, fails); !errors.Is(state.Err, acme.ErrAway) || !strings.Contains(state.Err.Error(), "the line is cut") {
				t.Errorf("%v", state.Err)
			}
			one.until(shop, func(n acme.State) bool { return has(n) && n.Err == nil })
			if strings.Contains(one.log.String(), "another authority is asked") {
				t.Error("another authority is asked")
			}
		})
	}
}

// TestFleetKilled: the lock of a member that is gone ends by itself, and another
// one gets the certificate.
func TestFleetKilled(t *testing.T) {
	t.Parallel()
	hub, one := newSite(t), newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: one.http})
	o := acme.Options{Names: []string{"of.hub.example.org"}, Folder: filepath.Join(t.TempDir(), "hub"), Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often}
	const lease = 8 * time.Second // one is lost when it is not renewed for two thirds of that
	hub.open(acme.WithLease(o, lease))
	ask, _ := json.Marshal(map[string]string{"do": "lock", "lock": "issue_cert_" + shop, "id": "killed"})
	began := time.Now()
	if text, err := hub.m.Answer(t.Context(), "n1", ask); err != nil || string(text) != "{}" {
		t.Fatalf("%s, %v", text, err)
	}
	o.Names = []string{shop}
	one.member(hub, o)
	one.until(shop, has)
	if took := time.Since(began); took < lease {
		t.Errorf("it did not wait for the lock: %v", took)
	}
}

// TestFleetQuestions: what is not shared is not given, and what is no whole
// certificate of who has the lock is not taken.
func TestFleetQuestions(t *testing.T) {
	t.Parallel()
	hub := newSite(t)
	hub.open(acme.Options{Names: []string{shop}, Folder: filepath.Join(t.TempDir(), "hub"), Directory: "https://" + hub.tls + "/", HTTP: true})
	for _, q := range []string{
		``, `{}`, `{"do":"load"}`, `{"do":"load","key":"locks/x"}`, `{"do":"load","key":"certificates/../../x"}`, `{"do":"load","key":"/etc/passwd"}`, `{"do":"load","key":"certificates/a/b/b.key"}`,
		`{"do":"store","key":"certificates/a/b/b.key","value":"eA=="}`, `{"do":"store","key":"certificates","value":"eA=="}`, `{"do":"delete","key":"certificates/a/b/b.crt"}`,
		`{"do":"push","key":"certificates/a/b/b"}`, `{"do":"push","key":"certificates/a/b/b","site":{"key":"eA==","cert":"eA==","meta":"e30="}}`, `{"do":"lock"}`, `{"do":"lock","lock":"x"}`, `{"do":"fly","key":"accounts/x"}`,
	} {
		if text, err := hub.m.Answer(t.Context(), "n1", []byte(q)); err == nil {
			t.Errorf("%s is answered with %s", q, text)
		}
	}
	for _, q := range []struct{ ask, want string }{
		{`{"do":"load","key":"accounts/x.json"}`, `{"none":true}`},
		{`{"do":"pull","key":"certificates/a/b/b"}`, `{"none":true}`},
		{`{"do":"renew","lock":"x","id":"1"}`, `{"lost":true}`},
		{`{"do":"unlock","lock":"x","id":"1"}`, `{"lost":true}`},
		{`{"do":"lock","lock":"x","id":"1"}`, `{}`},
		{`{"do":"renew","lock":"x","id":"2"}`, `{"lost":true}`},
		{`{"do":"unlock","lock":"x","id":"2"}`, `{"lost":true}`},
		{`{"do":"renew","lock":"x","id":"1"}`, `{}`},
		{`{"do":"delete","key":"challenges/http/none"}`, `{}`},
	} {
		if text, err := hub.m.Answer(t.Context(), "n1", []byte(q.ask)); err != nil || string(text) != q.want {
			t.Errorf("%s: %s, %v", q.ask, text, err)
		}
	}
	proof := base64.StdEncoding.EncodeToString([]byte(`{"type":"http-01","token":"abc","keyAuthorization":"abc.x","identifier":{"type":"dns","value":"a.example.org"}}`))
	for _, q := range []struct{ from, ask, want string }{ // what is changed under a lock, without it, and of others
		{"n1", `{"do":"store","key":"challenges/http/abc","value":"` + proof + `"}`, `{"lost":true}`},
		{"n1", `{"do":"store","key":"accounts/a.json","value":"e30="}`, `{"lost":true}`},
		{"n1", `{"do":"lock","lock":"issue_cert_a.example.org","id":"1"}`, `{}`},
		{"n1", `{"do":"lock","lock":"account-a","id":"1"}`, `{}`},
		{"n2", `{"do":"store","key":"challenges/http/abc","value":"` + proof + `"}`, `{"lost":true}`},
		{"n2", `{"do":"store","key":"accounts/a.json","value":"e30="}`, `{"lost":true}`},
		{"n2", `{"do":"renew","lock":"account-a","id":"1"}`, `{"lost":true}`},
		{"n2", `{"do":"unlock","lock":"account-a","id":"1"}`, `{"lost":true}`},
		{"n1", `{"do":"store","key":"accounts/b.json","value":"e30="}`, `{"lost":true}`},
		{"n1", `{"do":"store","key":"challenges/http/other","value":"` + proof + `"}`, ``},
		{"n1", `{"do":"store","key":"challenges/http/abc","value":"` + proof + `"}`, `{}`},
		{"n1", `{"do":"store","key":"accounts/a.json","value":"e30="}`, `{}`},
		{"n2", `{"do":"open"}`, `{"open":["challenges/http/abc"]}`},
		{"n2", `{"do":"delete","key":"challenges/http/abc"}`, `{"lost":true}`},
		{"n2", `{"do":"delete","key":"accounts/a.json"}`, `{"lost":true}`},
		{"n2", `{"do":"load","key":"accounts/a.json"}`, `{"value":"e30="}`},
		{"n1", `{"do":"delete","key":"challenges/http/abc"}`, `{}`},
		{"n1", `{"do":"delete","key":"accounts/a.json"}`, `{}`},
		{"n1", `{"do":"load","key":"accounts/a.json"}`, `{"none":true}`},
	} {
		if text, err := hub.m.Answer(t.Context(), q.from, []byte(q.ask)); (err != nil) != (q.want == "") || string(text) != q.want {
			t.Errorf("%s asks %s: %s, %v", q.from, q.ask, text, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if text, err := hub.m.Answer(ctx, "n1", []byte(`{"do":"lock","lock":"x","id":"2"}`)); err != nil || string(text) != `{"busy":true}` {
		t.Errorf("a second one gets the lock: %s, %v", text, err)
	}
}
