package forward_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"freshet/forward"
)

// Lists are looked at when somebody asks, and what has come is in force then.
func TestUpdateLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := listFile(t, "||f.example^\n")
		p := &publisher{answer: edition("||a.example^\n", "Etag", `"1"`)}
		o := listOptions(p, t.TempDir())
		o.Lists = append(o.Lists, forward.ListSource{Name: "mine", File: source.File})
		h, err := forward.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		update := func(want ...forward.ListUpdate) {
			t.Helper()
			var told []string
			got, err := h.UpdateLists(t.Context(), func(done, all int, name string) { told = append(told, name) })
			if err != nil || len(got) != 2 || len(told) != 2 || told[0] != "ads.txt" || told[1] != "mine" {
				t.Fatalf("%v, %v, %v", got, told, err)
			}
			for i := range want {
				want[i].Name, want[i].From = told[i], []string{"https://lists.example/ads.txt", source.File}[i]
				if got[i] != want[i] {
					t.Errorf("%+v, want %+v", got[i], want[i])
				}
			}
		}
		update(forward.ListUpdate{Before: 1, Now: 1}, forward.ListUpdate{Before: 1, Now: 1})
		p.publish(edition("||a.example^\n||b.example^\n", "Etag", `"2"`))
		update(forward.ListUpdate{Before: 1, Now: 2, Changed: true}, forward.ListUpdate{Before: 1, Now: 1})
		if !blocks(h, "b.example") {
			t.Error("the new edition is not in force")
		}
		if s := h.Lists()[0]; s.Next.Sub(s.Looked) != 24*time.Hour {
			t.Errorf("it is asked for again after %v", s.Next.Sub(s.Looked))
		}
		p.publish(fails)
		if err := os.Remove(source.File); err != nil {
			t.Fatal(err)
		}
		got, err := h.UpdateLists(t.Context(), nil)
		if err != nil || got[0].Error == "" || got[1].Error == "" || got[0].Now != 2 || got[1].Now != 1 || !blocks(h, "b.example") || !blocks(h, "f.example") {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A call that is given up ends the fetching, what came before is in force, and
// the next call has it anew.
func TestUpdateListsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &publisher{answer: edition("||a.example^\n")}
		second := &publisher{answer: edition("||s.example^\n")}
		o := listOptions(first, filepath.Join(t.TempDir(), "lists"))
		o.Lists = append(o.Lists, forward.ListSource{URL: "https://slow.example/list"})
		o.ListTransport = transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "slow.example" {
				return second.RoundTrip(r)
			}
			return first.RoundTrip(r)
		})
		h, err := forward.New(o)
		if err != nil {
			t.Fatal(err)
		}
		first.publish(edition("||b.example^\n"))
		second.publish(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		gone := errors.New("given up")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(gone) })
		if got, err := h.UpdateLists(ctx, nil); !errors.Is(err, gone) || got != nil {
			t.Errorf("%+v, %v", got, err)
		}
		if !blocks(h, "b.example") || !blocks(h, "s.example") {
			t.Error("what came before it was given up is not in force")
		}
		if s := h.Lists()[1]; s.Error != "" {
			t.Errorf("that nobody wanted it is told as a fault: %q", s.Error)
		}
		second.publish(edition("||t.example^\n"))
		if got, err := h.UpdateLists(t.Context(), nil); err != nil || got[0].Changed || !got[1].Changed {
			t.Errorf("%+v, %v", got, err)
		}
		second.publish(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ended := make(chan error)
		go func() {
			_, err := h.UpdateLists(t.Context(), nil)
			ended <- err
		}()
		synctest.Wait()
		h.Close()
		if err := <-ended; err == nil {
			t.Error("no error, though the handler is closed")
		}
		if _, err := h.UpdateLists(t.Context(), nil); err == nil {
			t.Error("a closed handler has looked at its lists")
		}
	})
}

// Without lists there is nothing to do.
func TestUpdateNoLists(t *testing.T) {
	h, err := forward.New(forward.Options{ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if got, err := h.UpdateLists(t.Context(), nil); got != nil || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// transportFunc is a transport that a function is.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
