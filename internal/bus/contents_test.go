//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/atrest"
)

// fleetStore is a store as an attacker has it who can do to its streams what he likes,
// but has no key.
type fleetStore struct {
	t *testing.T
	s *Server
	c *Conn // his
}

func newFleetStore(t *testing.T) *fleetStore {
	s := startServer(t, t.TempDir())
	return &fleetStore{t, s, connect(t, s, "attacker")}
}

// by connects somebody with these keys; without any what is put is plain.
func (f *fleetStore) by(names ...string) *Conn {
	f.t.Helper()
	c := connect(f.t, f.s, "fleet")
	if len(names) > 0 {
		c.seal = sealRing(f.t, names...)
	}
	return c
}

func (f *fleetStore) stream(name string) jetstream.Stream {
	f.t.Helper()
	s, err := f.c.js.Stream(limited(f.t), name)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// raw is a message as it is stored.
func (f *fleetStore) raw(stream string, n uint64) *jetstream.RawStreamMsg {
	f.t.Helper()
	m, err := f.stream(stream).GetMsg(limited(f.t), n)
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}

func (f *fleetStore) publish(subject string, data []byte) {
	f.t.Helper()
	if _, err := f.c.js.PublishMsg(limited(f.t), &nats.Msg{Subject: subject, Data: data}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleetStore) remove(stream string, n uint64) {
	f.t.Helper()
	if err := f.stream(stream).DeleteMsg(limited(f.t), n); err != nil {
		f.t.Fatal(err)
	}
}

// state is what is in all streams, to compare.
func (f *fleetStore) state() string {
	f.t.Helper()
	all, err := streamsOf(limited(f.t), f.c)
	if err != nil {
		f.t.Fatal(err)
	}
	var rows []string
	for _, info := range all {
		rows = append(rows, fmt.Sprintln(info.Config.Name, info.State.Msgs, info.State.FirstSeq, info.State.LastSeq, info.State.Bytes))
	}
	slices.Sort(rows)
	return strings.Join(rows, "")
}

// labelOn is the label of an object of files.
func labelOn(key string) string {
	return "$O.files.M." + base64.URLEncoding.EncodeToString([]byte(key))
}

// readAllOf opens and reads all that fill has written, and what else there is.
func readAllOf(ctx context.Context, c *Conn) error {
	l, err := c.Log(ctx, "jobs", LogOptions{})
	if err == nil {
		err = l.Read(ctx, 0, func(uint64, []byte) error { return nil })
	}
	if err == nil {
		err = l.Pages(ctx, func(string, []byte) error { return nil })
	}
	var o *Objects
	if err == nil {
		o, err = c.Objects(ctx, "files", ObjectsOptions{})
	}
	var keys []string
	if err == nil {
		err = o.Keys(ctx, func(key string, _ int64) error { keys = append(keys, key); return nil })
	}
	for _, key := range keys {
		if err == nil {
			_, err = object(ctx, o, key)
		}
	}
	return err
}

// TestContentsAttacks has somebody who can change streams, and has no key, do so:
// whoever reads is told, and changes nothing.
func TestContentsAttacks(t *testing.T) {
	beside(t)
	const record = "seals"
	other := newFleetStore(t) // another fleet, with the same keys
	openLog(t, other.by("k1"), "jobs")
	for _, a := range []struct {
		name string
		do   func(f *fleetStore, parts []uint64) // parts are the numbers of those of object a
		want error
		says string
	}{
		{"an entry of another number", func(f *fleetStore, _ []uint64) {
			f.publish("freshet.log.jobs", f.raw("log_jobs", 2).Data)
		}, ErrDamaged, "message 6 of stream log_jobs"},
		{"an entry of another log", func(f *fleetStore, _ []uint64) {
			l := openLog(t, f.by("k1"), "other")
			for n := range uint64(6) {
				mustAppend(t, l, n, "other")
			}
			f.publish("freshet.log.jobs", f.raw("log_other", 6).Data)
		}, ErrDamaged, "message 6 of stream log_jobs"},
		{"a page as an entry", func(f *fleetStore, _ []uint64) {
			f.publish("freshet.log.jobs", f.raw("page_jobs", 1).Data)
		}, ErrDamaged, "message 6"},
		{"a plain entry", func(f *fleetStore, _ []uint64) {
			f.publish("freshet.log.jobs", []byte("{}"))
		}, ErrDamaged, "message 6 of stream log_jobs is not sealed"},
		{"an empty entry", func(f *fleetStore, _ []uint64) {
			f.publish("freshet.log.jobs", nil)
		}, ErrDamaged, "message 6 of stream log_jobs is not sealed"},
		{"a cut entry", func(f *fleetStore, _ []uint64) {
			data := f.raw("log_jobs", 5).Data
			f.publish("freshet.log.jobs", data[:len(data)-1])
		}, ErrDamaged, "message 6"},
		{"only a head", func(f *fleetStore, _ []uint64) {
			f.publish("freshet.log.jobs", []byte("frshseal"))
		}, ErrDamaged, "message 6"},
		{"an entry taken out", func(f *fleetStore, _ []uint64) { f.remove("log_jobs", 3) }, ErrDamaged, "entries are missing"},
		{"a page of another name", func(f *fleetStore, _ []uint64) {
			f.publish("freshet.page.jobs.b", f.raw("page_jobs", 1).Data)
		}, ErrDamaged, "message 3 of stream page_jobs"},
		{"a page of another log", func(f *fleetStore, _ []uint64) {
			if err := openLog(t, f.by("k1"), "other").PutPage(limited(t), "a", []byte("other")); err != nil {
				t.Fatal(err)
			}
			f.publish("freshet.page.jobs.a", f.raw("page_other", 1).Data)
		}, ErrDamaged, "message 3 of stream page_jobs"},
		{"a plain page", func(f *fleetStore, _ []uint64) {
			f.publish("freshet.page.jobs.c", []byte("{}"))
		}, ErrDamaged, "message 3 of stream page_jobs is not sealed"},
		{"the record removed", func(f *fleetStore, _ []uint64) { f.remove(record, f.stream(record).CachedInfo().State.LastSeq) }, ErrDamaged, "is missing"},
		{"its stream removed", func(f *fleetStore, _ []uint64) {
			if err := f.c.js.DeleteStream(limited(t), record); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "is missing"},
		{"the record of another fleet", func(f *fleetStore, _ []uint64) {
			f.publish(secretsSubject, other.raw(record, 1).Data)
		}, atrest.ErrNoKey, "message 1 of stream log_jobs"},
		{"a plain record", func(f *fleetStore, _ []uint64) {
			f.publish(secretsSubject, []byte(`{"secrets":[{"id":"a","secret":"`+base64.StdEncoding.EncodeToString(make([]byte, 32))+`"}]}`))
		}, ErrDamaged, record},
		{"an entry as the record", func(f *fleetStore, _ []uint64) {
			f.publish(secretsSubject, f.raw("log_jobs", 1).Data)
		}, atrest.ErrNoKey, record},
		{"a record by another key", func(f *fleetStore, _ []uint64) {
			data, err := newRecord().pack(sealRing(t, "k3"))
			if err != nil {
				t.Fatal(err)
			}
			f.publish(secretsSubject, data)
		}, atrest.ErrNoKey, "k3"},
		{"a record that was changed", func(f *fleetStore, _ []uint64) {
			data := f.raw(record, f.stream(record).CachedInfo().State.LastSeq).Data
			data[len(data)-20] ^= 1
			f.publish(secretsSubject, data)
		}, atrest.ErrDamaged, record},
		{"parts in another order", func(f *fleetStore, parts []uint64) {
			subject, one := f.raw("OBJ_files", parts[0]).Subject, f.raw("OBJ_files", parts[0]).Data
			two, three := f.raw("OBJ_files", parts[1]).Data, f.raw("OBJ_files", parts[2]).Data
			for _, n := range parts[:3] {
				f.remove("OBJ_files", n)
			}
			for _, data := range [][]byte{two, one, three} {
				f.publish(subject, data)
			}
		}, ErrDamaged, `"a"`},
		{"a part of another object", func(f *fleetStore, parts []uint64) {
			last := f.raw("OBJ_files", parts[2])
			f.remove("OBJ_files", parts[2])
			f.publish(last.Subject, f.raw("OBJ_files", parts[2]+4).Data)
		}, ErrDamaged, `"a"`},
		{"a cut part", func(f *fleetStore, parts []uint64) {
			last := f.raw("OBJ_files", parts[2])
			f.remove("OBJ_files", parts[2])
			f.publish(last.Subject, last.Data[:len(last.Data)-1])
		}, ErrDamaged, `"a"`},
		{"a plain part", func(f *fleetStore, parts []uint64) {
			last := f.raw("OBJ_files", parts[2])
			f.remove("OBJ_files", parts[2])
			f.publish(last.Subject, make([]byte, 100))
		}, ErrDamaged, `"a"`},
		{"a part taken off", func(f *fleetStore, parts []uint64) { f.remove("OBJ_files", parts[2]) }, ErrDamaged, `"a"`},
		{"a part put behind", func(f *fleetStore, parts []uint64) {
			last := f.raw("OBJ_files", parts[2])
			f.publish(last.Subject, last.Data)
		}, ErrDamaged, `"a"`},
		{"the label of another object", func(f *fleetStore, parts []uint64) {
			f.publish(labelOn("c"), f.raw("OBJ_files", parts[2]+1).Data)
		}, ErrDamaged, "of stream OBJ_files"},
		{"a plain label", func(f *fleetStore, parts []uint64) {
			f.publish(labelOn("a"), []byte(`{"name":"a","bucket":"files","nuid":"x","size":0}`))
		}, ErrDamaged, "of stream OBJ_files is not sealed"},
	} {
		t.Run(a.name, func(t *testing.T) {
			f := newFleetStore(t)
			c := f.by("k1")
			l := openLog(t, c, "jobs")
			for n := range uint64(5) {
				mustAppend(t, l, n, fmt.Sprint("entry ", n))
			}
			for _, key := range []string{"a", "b"} {
				if err := l.PutPage(limited(t), key, []byte("page "+key)); err != nil {
					t.Fatal(err)
				}
			}
			o, err := c.Objects(limited(t), "files", ObjectsOptions{})
			if err != nil {
				t.Fatal(err)
			}
			mustPutObject(t, o, "a", blob(3*chunkSize, 1))
			mustPutObject(t, o, "b", blob(3*chunkSize, 2))
			if err := readAllOf(limited(t), f.by("k1")); err != nil {
				t.Fatal(err)
			}
			a.do(f, []uint64{1, 2, 3})
			before := f.state()
			err = readAllOf(limited(t), f.by("k1"))
			if !errors.Is(err, a.want) || !strings.Contains(err.Error(), a.says) {
				t.Errorf("%v; not %v, %q", err, a.want, a.says)
			}
			if now := f.state(); now != before {
				t.Errorf("it was\n%sand is\n%s", before, now)
			}
		})
	}
}

// TestContentsOldRecord: when an older record is put back, which does not know yet that
// nothing is plain, what is behind a sealed entry is sealed all the same.
func TestContentsOldRecord(t *testing.T) {
	f := newFleetStore(t)
	l := openLog(t, f.by(), "jobs")
	mustAppend(t, l, 0, "plain")
	l = openLog(t, f.by("k1"), "jobs")
	old := f.raw(secretsStream, 1).Data
	mustAppend(t, l, 1, "sealed")
	if plain, err := l.Reseal(limited(t)); plain != 1 || err != nil {
		t.Fatalf("%d, %v", plain, err)
	}
	if err := readAllOf(limited(t), f.by("k1")); err != nil {
		t.Fatal(err)
	}
	f.publish(secretsSubject, old)
	f.publish("freshet.log.jobs", []byte("forged"))
	var got []string
	err := openLog(t, f.by("k1"), "jobs").Read(limited(t), 0, func(_ uint64, entry []byte) error { got = append(got, string(entry)); return nil })
	if !errors.Is(err, ErrDamaged) || !slices.Equal(got, []string{"plain", "sealed"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// eachStore runs a test on a server in the process and on one elsewhere; by connects
// with keys.
func eachStore(t *testing.T, f func(t *testing.T, by func(names ...string) *Conn)) {
	t.Run("inside", func(t *testing.T) { f(t, newFleetStore(t).by) })
	t.Run("elsewhere", func(t *testing.T) {
		url := elsewhere(t, server.Options{}).ClientURL()
		f(t, func(names ...string) *Conn {
			t.Helper()
			var ring *atrest.Ring
			if len(names) > 0 {
				ring = sealRing(t, names...)
			}
			c, err := Connect(limited(t), ConnectOptions{URL: url, Name: "fleet", Seal: ring})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			return c
		})
	})
}

// TestContentsAdopted has what is plain be sealed while it is in use, and then be
// refused without keys, and when it is plain.
func TestContentsAdopted(t *testing.T) {
	beside(t)
	eachStore(t, func(t *testing.T, by func(names ...string) *Conn) {
		plain := by()
		l := openLog(t, plain, "jobs")
		for n := range uint64(9) {
			mustAppend(t, l, n, fmt.Sprint("entry ", n+1))
		}
		for _, key := range []string{"a", "b", "c"} {
			if err := l.PutPage(limited(t), key, []byte("page "+key)); err != nil {
				t.Fatal(err)
			}
		}
		files, err := plain.Objects(limited(t), "files", ObjectsOptions{})
		if err != nil {
			t.Fatal(err)
		}
		large := blob(fetchBytes+3*chunkSize, 3)
		mustPutObject(t, files, "a b", blob(1000, 1))
		mustPutObject(t, files, "large", large)
		mustPutObject(t, files, "empty", nil)
		if n, err := l.Reseal(limited(t)); n != 0 || err != nil {
			t.Errorf("without keys: %d, %v", n, err)
		}
		if err := files.Reseal(limited(t)); err != nil {
			t.Errorf("without keys: %v", err)
		}

		c := by("k1")
		l2 := openLog(t, c, "jobs")
		if got := entries(t, l2, 0); len(got) != 9 {
			t.Errorf("%q", got)
		}
		if n, err := l2.Reseal(limited(t)); n != 9 || err != nil {
			t.Errorf("all entries are plain: %d, %v", n, err)
		}
		mustAppend(t, l2, 9, "entry 10")
		if _, err := l.Append(limited(t), 9, []byte("late")); !errors.Is(err, ErrFenced) {
			t.Errorf("%v", err)
		}
		if err := l.PutPage(limited(t), "a", []byte("late")); !errors.Is(err, ErrFenced) {
			t.Errorf("%v", err)
		}
		if got := pagesOf(t, l2); len(got) != 3 || got["a"] != "page a" {
			t.Errorf("%q", got)
		}
		if err := l2.PutPage(limited(t), "a", []byte("page A")); err != nil {
			t.Error(err)
		}
		if n, err := l2.Reseal(limited(t)); n != 9 || err != nil {
			t.Errorf("nine of ten: %d, %v", n, err)
		}
		if err := l2.PutPage(limited(t), "b", []byte("page B")); err != nil {
			t.Error(err)
		}
		if from := c.record.Streams["log_jobs"]; from != 10 {
			t.Errorf("nothing is plain from %d on", from)
		}
		if err := l2.Trim(limited(t), 9); err != nil {
			t.Fatal(err)
		}
		if n, err := l2.Reseal(limited(t)); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		o2, err := c.Objects(limited(t), "files", ObjectsOptions{})
		if err != nil {
			t.Fatal(err)
		}
		reading, err := o2.Get(limited(t), "large")
		if err != nil {
			t.Fatal(err)
		}
		defer reading.Close()
		if err := o2.Reseal(limited(t)); err != nil {
			t.Fatal(err)
		}
		if n, err := readToEnd(reading); n != len(large) && !errors.Is(err, ErrFenced) {
			t.Errorf("who reads what is sealed meanwhile gets %d bytes, %v", n, err)
		}
		wantObject(t, o2, "large", large)
		wantObject(t, o2, "a b", blob(1000, 1))
		wantObject(t, o2, "empty", nil)
		if n := contents(t, o2); n != 2 {
			t.Errorf("%d contents", n)
		}
		for _, name := range []string{"log_jobs", "page_jobs", "OBJ_files"} {
			if from := c.record.Streams[name]; from != 1 {
				t.Errorf("%s: nothing is plain from %d on", name, from)
			}
			everySealed(t, plain, name)
		}

		if _, err := by().Log(limited(t), "jobs", LogOptions{}); !errors.Is(err, atrest.ErrSealed) {
			t.Errorf("without keys: %v", err)
		}
		if _, err := by().Objects(limited(t), "files", ObjectsOptions{}); !errors.Is(err, atrest.ErrSealed) {
			t.Errorf("without keys: %v", err)
		}
		if err := l.Read(limited(t), 0, func(uint64, []byte) error { return nil }); !errors.Is(err, atrest.ErrSealed) {
			t.Errorf("opened before there were keys: %v", err)
		}
		if _, err := by("k3").Log(limited(t), "jobs", LogOptions{}); !errors.Is(err, atrest.ErrNoKey) || !strings.Contains(fmt.Sprint(err), "k1") {
			t.Errorf("with another key: %v", err)
		}
		// Another key, and the old one is taken out.
		openLog(t, by("k2", "k1"), "jobs")
		if got := entries(t, openLog(t, by("k2"), "jobs"), 0); len(got) != 1 {
			t.Errorf("%q", got)
		}
		if _, err := by("k1").Log(limited(t), "jobs", LogOptions{}); !errors.Is(err, atrest.ErrNoKey) {
			t.Errorf("with the old key: %v", err)
		}
		mustAppend(t, l2, 10, "who has it open goes on")
		// One who has it open gets another key, and seals the record by that.
		l3 := openLog(t, by("k2"), "jobs")
		l3.c.seal = sealRing(t, "k3", "k2")
		if n, err := l3.Reseal(limited(t)); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if got := entries(t, openLog(t, by("k3"), "jobs"), 0); len(got) != 2 {
			t.Errorf("%q", got)
		}
	})
}

func readToEnd(r interface{ Read([]byte) (int, error) }) (int, error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(r)
	return int(n), err
}

// everySealed looks that each message of a stream is sealed.
func everySealed(t *testing.T, c *Conn, name string) {
	t.Helper()
	s, err := c.js.Stream(limited(t), name)
	if err != nil {
		t.Fatal(err)
	}
	state := s.CachedInfo().State
	seen := uint64(0)
	if err := each(limited(t), s, 1, state.LastSeq, func(n uint64, m jetstream.Msg) error {
		seen++
		if !atrest.IsSealed(m.Data()) {
			t.Errorf("message %d of %s is plain: %.40q", n, name, m.Data())
		}
		return nil
	}); err != nil || seen != state.Msgs {
		t.Errorf("%s: %d of %d, %v", name, seen, state.Msgs, err)
	}
}

// TestContentsBounds: what is put may be as long as without keys, where the server
// takes more, and the same again is not written twice.
func TestContentsBounds(t *testing.T) {
	eachStore(t, func(t *testing.T, by func(names ...string) *Conn) {
		l := openLog(t, by("k1"), "jobs")
		most := l.entriesAre.room()
		if l.c.host != nil && most != MaxEntry || l.c.host == nil && (most >= MaxEntry-headerRoom || most < MaxEntry-2000) {
			t.Errorf("%d bytes are the most", most)
		}
		entry := blob(int(most), 1)
		for range 2 { // sealed anew, it is another message
			if n, err := l.Append(limited(t), 0, entry); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}
		if _, err := l.Append(limited(t), 0, entry[1:]); !errors.Is(err, ErrFenced) {
			t.Error(err)
		}
		if _, err := l.Append(limited(t), 1, append(entry, 1)); !errors.Is(err, ErrTooLarge) {
			t.Error(err)
		}
		if err := l.PutPage(limited(t), "a", entry); err != nil {
			t.Error(err)
		}
		if err := l.PutPage(limited(t), "a", append(entry, 1)); !errors.Is(err, ErrTooLarge) {
			t.Error(err)
		}
		if n, err := l.Append(limited(t), 1, nil); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if got := entries(t, openLog(t, by("k1"), "jobs"), 0); len(got) != 2 {
			t.Errorf("%d entries", len(got))
		}
		if err := l.PutPage(limited(t), "a", nil); err != nil || len(pagesOf(t, l)) != 0 {
			t.Error(err)
		}
	})
	// Nothing plain may look as if it were sealed.
	l := openLog(t, newFleetStore(t).by(), "jobs")
	if _, err := l.Append(limited(t), 0, []byte("frshseal and more")); !errors.Is(err, errNotSealed) {
		t.Error(err)
	}
	if err := l.PutPage(limited(t), "a", []byte("frshseal")); !errors.Is(err, errNotSealed) {
		t.Error(err)
	}
}

// TestContentsShown has the monitor's view be of what was put.
func TestContentsShown(t *testing.T) {
	f := newFleetStore(t)
	c := f.by("k1")
	l := openLog(t, c, "jobs")
	mustAppend(t, l, 0, "an entry")
	if err := l.PutPage(limited(t), "k.1", []byte("a page")); err != nil {
		t.Fatal(err)
	}
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustPutObject(t, o, "a b", []byte("content"))
	for _, w := range []struct {
		stream, payload, note string
		n                     uint64
	}{
		{"log_jobs", "an entry", "shown opened", 1},
		{"page_jobs", "a page", "shown opened", 1},
		{"OBJ_files", `{"name":"a=20b"`, "shown opened", 2},
		{"OBJ_files", "frshseal", "a part of an object", 1},
		{"seals", "frshseal", "has the secrets", 1},
	} {
		if w.stream == "seals" {
			w.n = f.stream("seals").CachedInfo().State.LastSeq
		}
		for what, peek := range map[string]func(context.Context, string, uint64) (Message, error){"Peek": f.by("k1").Peek, "PeekFrom": f.by("k1").PeekFrom} {
			m, err := peek(limited(t), w.stream, w.n)
			if err != nil || !strings.HasPrefix(string(m.Payload), w.payload) || !strings.Contains(strings.Join(m.Header[headerSealed], ""), w.note) {
				t.Errorf("%s %s: %.20q %q, %v", what, w.stream, m.Payload, m.Header, err)
			}
		}
		if m, err := f.by().Peek(limited(t), w.stream, w.n); err != nil || !atrest.IsSealed(m.Payload) || !strings.Contains(strings.Join(m.Header[headerSealed], ""), "there are no keys") {
			t.Errorf("%s without keys: %.20q %q, %v", w.stream, m.Payload, m.Header, err)
		}
	}
	if _, _, err := c.Store(limited(t), secretsSubject, nil, []byte("x")); !errors.Is(err, ErrName) {
		t.Error(err)
	}
}
