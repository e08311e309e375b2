package acme

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/filelock"
	"freshet/internal/wiretest"
)

// sealRing has keys of some names, the first of which seals.
func sealRing(t *testing.T, names ...string) *atrest.Ring {
	t.Helper()
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s %s\n", name, strings.Repeat(fmt.Sprintf("%02x", name[len(name)-1]), 32))
	}
	keys, err := atrest.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

const accountKey = "accounts/ca/users/me/me.json"

// fill stores a certificate and an account.
func fill(t *testing.T, f *folder) version {
	t.Helper()
	v := newVersion(t, 1)
	if err := v.store(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Store(context.Background(), accountKey, []byte(`{"account":"s3cr3t"}`)); err != nil {
		t.Fatal(err)
	}
	return v
}

// plainFiles are those that are not sealed.
func plainFiles(t *testing.T, dir string) (plain []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte("PRIVATE")) || bytes.Contains(content, []byte("s3cr3t")) {
			plain = append(plain, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func openable(dir string, ring *atrest.Ring) error {
	f, err := openFolder(dir, ring)
	if err == nil {
		err = f.close()
	}
	return err
}

// TestSealed stores sealed, and opens it with the key, another first one, without
// that key, and without any.
func TestSealed(t *testing.T) {
	f, dir := ringFolder(t, sealRing(t, "k1"))
	v := fill(t, f)
	if !kept(f).is(v) {
		t.Error("not what was stored")
	}
	if found := plainFiles(t, dir); found != nil {
		t.Error(found)
	}
	for _, c := range []struct {
		ring *atrest.Ring
		want error
	}{
		{nil, atrest.ErrSealed}, {sealRing(t, "k2"), atrest.ErrNoKey}, {sealRing(t, "k2", "k1"), nil},
	} {
		if err := openable(dir, c.ring); !errors.Is(err, c.want) {
			t.Errorf("%v, not %v", err, c.want)
		}
	}
	other, plain := testFolder(t)
	fill(t, other)
	if plainFiles(t, plain) == nil {
		t.Error("what is not sealed is not found either: this test finds nothing")
	}
	if err := openable(plain, sealRing(t, "k1")); !errors.Is(err, atrest.ErrPlain) {
		t.Error(err)
	}
}

// TestForged puts into the place of a file what was not sealed as that: it is not
// read, and nothing is thrown away.
func TestForged(t *testing.T) {
	ring := sealRing(t, "k1")
	f, dir := ringFolder(t, ring)
	v := fill(t, f)
	read := func(key string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, key))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	for ext, other := range map[string]string{".key": ".crt", ".crt": ".json", ".json": ".key"} {
		at := shopSite + ext
		was := read(at)
		changed := bytes.Clone(was)
		changed[len(changed)-1] ^= 1
		for name, c := range map[string]struct {
			content []byte
			want    error
		}{
			"changed": {changed, atrest.ErrDamaged}, "cut off": {was[:len(was)-1], atrest.ErrDamaged},
			"another file's": {read(shopSite + other), atrest.ErrDamaged}, "plain": {v.key, atrest.ErrPlain},
			"another's":                  {ring.Pack(v.key, sealedAs("certificates/ca/other/other"+ext)), atrest.ErrDamaged},
			"of a key that has gone":     {sealRing(t, "k2").Pack(v.key, sealedAs(at)), atrest.ErrNoKey},
			"of another key of the name": {otherSecret(t, "k1").Pack(v.key, sealedAs(at)), atrest.ErrDamaged},
		} {
			if err := os.WriteFile(filepath.Join(dir, at), c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Load(context.Background(), at); !errors.Is(err, c.want) {
				t.Errorf("%s %s: %v, not %v", ext, name, err, c.want)
			}
			if err := f.mend(shopSite); !errors.Is(err, c.want) {
				t.Errorf("%s %s: mended: %v, not %v", ext, name, err, c.want)
			}
			if err := os.WriteFile(filepath.Join(dir, at), was, 0o600); err != nil {
				t.Fatal(err)
			}
			if !kept(f).is(v) || f.whole(shopSite) != nil {
				t.Fatalf("%s %s: not what was stored", ext, name)
			}
		}
	}
	// The key that belongs to the certificate waits aside, and does not open.
	old := newVersion(t, 2)
	if err := f.write(shopSite+".key", old.key); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, shopSite+".key"+aside), otherSecret(t, "k1").Pack(v.key, sealedAs(shopSite+".key")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.mend(shopSite); !errors.Is(err, atrest.ErrDamaged) || kept(f).cert == nil || !f.Exists(t.Context(), shopSite+".key"+aside) {
		t.Errorf("aside: %v", err)
	}
}

// otherSecret has a key of that name, with another secret than sealRing's.
func otherSecret(t *testing.T, name string) *atrest.Ring {
	t.Helper()
	keys, err := atrest.ParseKeys([]byte(name + " " + strings.Repeat("e7", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

// TestOtherSecret: with another secret of a key's name nothing is opened and
// nothing changed; one file that is damaged is kept, and told of.
func TestOtherSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	o := Options{Names: []string{"shop.example.org"}, Folder: dir, Directory: "https://" + wiretest.Reserve(t) + "/", HTTP: true}
	open := func(ring *atrest.Ring) (*Manager, error) {
		its := o
		its.Seal = ring
		return Open(its)
	}
	manager := func(ring *atrest.Ring) *Manager {
		m, err := open(ring)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := manager(sealRing(t, "k1"))
	n := m.names.Load().find("shop.example.org")
	site := n.site(n.authority())
	v := newVersion(t, 1)
	err := errors.Join(m.folder.Store(t.Context(), accountKey, []byte("{}")), m.folder.storeAll(site, &parts{key: v.key, cert: v.cert}, v.meta), m.Close())
	if err != nil {
		t.Fatal(err)
	}
	stored := func() string {
		text := ""
		err := EachStored(os.DirFS(dir), func(key string) error {
			content, err := os.ReadFile(filepath.Join(dir, key))
			text += fmt.Sprintf("%s %x\n", key, content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	was := stored()
	for _, c := range []struct {
		ring *atrest.Ring
		want error
	}{{otherSecret(t, "k1"), atrest.ErrDamaged}, {sealRing(t, "k2", "k1"), nil}, {sealRing(t, "k1"), nil}} {
		m, err := open(c.ring)
		if !errors.Is(err, c.want) {
			t.Errorf("%v, not %v", err, c.want)
		}
		if err == nil {
			if n := m.names.Load().find("shop.example.org"); n.current.Load() == nil {
				t.Error("no certificate")
			}
			err = m.Close()
		}
		if stored() != was {
			t.Errorf("something changed: %v", err)
		}
	}

	crt := filepath.Join(dir, filepath.FromSlash(site)+".crt")
	content, err := os.ReadFile(crt)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(crt, content, 0o600); err != nil {
		t.Fatal(err)
	}
	was = stored()
	m = manager(sealRing(t, "k1"))
	m.Start()
	<-m.names.Load().find("shop.example.org").looked
	if err := m.State()[0].Err; err == nil || !strings.Contains(err.Error(), crt+": "+atrest.ErrDamaged.Error()) {
		t.Errorf("of a damaged file: %v", err)
	}
	if err := m.Close(); err != nil || stored() != was {
		t.Errorf("something changed: %v", err)
	}
}

// TestSealFolder rewrites a folder from each state to the next, and is killed
// before each write: what is left is refused, and the next call ends it.
func TestSealFolder(t *testing.T) {
	f, dir := testFolder(t)
	v := fill(t, f)
	if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: sealRing(t, "k1")}, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("in use: %v", err)
	}
	if err := f.inUse.Close(); err != nil {
		t.Fatal(err)
	}
	f.inUse = nil
	for _, c := range []struct {
		keys  []string
		plain bool
	}{{[]string{"k1"}, false}, {[]string{"k2", "k1"}, false}, {[]string{"k2"}, true}, {[]string{"k3"}, false}} {
		change := &atrest.Change{Ring: sealRing(t, c.keys...), Plain: c.plain}
		ring := change.Ring
		if c.plain {
			ring = nil
		}
		same := func(dir string) {
			f, err := openFolder(dir, ring)
			if err != nil {
				t.Fatalf("%v: %v", c, err)
			}
			if !kept(f).is(v) {
				t.Errorf("%v: not what was stored", c)
			}
			if err := f.close(); err != nil {
				t.Error(err)
			}
			if found := plainFiles(t, dir); (found != nil) != c.plain {
				t.Errorf("%v: plain: %v", c, found)
			}
		}
		killed := 0
		before := func(key string) {
			now := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(now, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(now, 0o700); err != nil {
				t.Fatal(err)
			}
			if killed > 0 && (c.plain || len(c.keys) == 1) && (openable(now, nil) == nil || openable(now, change.Ring) == nil) {
				t.Errorf("%v: mixed, and not refused, before %s", c, key)
			}
			killed++
			if err := SealFolder(t.Context(), now, change, nil); err != nil {
				t.Fatalf("%v, before %s: %v", c, key, err)
			}
			same(now)
		}
		if err := sealFolder(t.Context(), dir, change, nil, before); err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		same(dir)
		if killed < 4 {
			t.Errorf("%v: %d files", c, killed)
		}
	}
}

// TestUse: who opens a folder waits while another one does, and is refused when
// one goes on to have it for itself.
func TestUse(t *testing.T) {
	if !filelock.Locks {
		t.Skip("there are no locks here")
	}
	synctest.Test(t, func(t *testing.T) {
		_, dir := testFolder(t)
		for held, refused := range map[time.Duration]bool{time.Second: false, time.Hour: true} {
			lock, err := filelock.Take(filepath.Join(dir, "locks", lockSealing))
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				time.Sleep(held)
				lock.Close()
			}()
			begun := time.Now()
			err = openable(dir, nil)
			if refused != (err != nil) || refused && !strings.Contains(err.Error(), "freshet seal") {
				t.Errorf("held for %v: %v", held, err)
			}
			if took := time.Since(begun); took > sealWait+lockEvery {
				t.Errorf("held for %v: that took %v", held, took)
			}
			time.Sleep(held)
			synctest.Wait()
		}
	})
}

// TestSealUnfinished: what a process was writing that was killed is plain, and goes
// when the folder is sealed; locks stay.
func TestSealUnfinished(t *testing.T) {
	f, dir := testFolder(t)
	v := fill(t, f)
	for _, key := range []string{shopSite + ".key" + aside + ".1234.part", "certificates/authority/shop.example.org/.new-1", ".new-2", "locks/issue_cert_shop.part"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(key)), v.key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change := &atrest.Change{Ring: sealRing(t, "k1")}
	if err := SealFolder(t.Context(), dir, change, nil); !errors.Is(err, ErrInUse) || len(plainFiles(t, dir)) != 6 {
		t.Errorf("in use: %v, %v", err, plainFiles(t, dir))
	}
	if err := f.inUse.Close(); err != nil {
		t.Fatal(err)
	}
	f.inUse = nil
	if err := SealFolder(t.Context(), dir, change, nil); err != nil {
		t.Fatal(err)
	}
	if left := plainFiles(t, dir); len(left) != 1 || filepath.Base(left[0]) != "issue_cert_shop.part" {
		t.Errorf("plain: %v", left)
	}
}
