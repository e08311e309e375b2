package cache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// engine is a writer as the engine's: it takes what is told about a request.
type engine struct {
	*httptest.ResponseRecorder
	why     rule.ID
	verdict record.Verdict
	detail  *record.Detail
}

func (e *engine) SetRule(id rule.ID)          { e.why = id }
func (e *engine) SetVerdict(v record.Verdict) { e.verdict = v }
func (e *engine) Detail() *record.Detail {
	if e.detail == nil {
		e.detail = new(record.Detail)
	}
	return e.detail
}

// scene is a world whose request and origin can be changed by fixes.
type scene struct {
	*world
	method, target string
	fields         http.Header
	status         int
	answer         http.Header
	body           string
	opt            Options
	memory         int64
}

func newScene(t *testing.T) *scene {
	return &scene{method: "GET", target: "http://e/a", fields: http.Header{}, status: 200, answer: http.Header{}, body: "hello", world: &world{t: t}}
}

// open begins with an empty store.
func (s *scene) open() {
	store, err := NewStore(StoreOptions{Memory: s.memory})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { store.Close() })
	o := s.opt
	o.Store = store
	s.world = newWorld(s.t, o, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range s.answer {
			w.Header()[name] = values
		}
		w.WriteHeader(s.status)
		if r.Method != "HEAD" {
			fmt.Fprint(w, s.body)
		}
	})
}

func (s *scene) request() *http.Request {
	r := httptest.NewRequest(s.method, s.target, nil)
	r.Header = s.fields.Clone()
	return r
}

func (s *scene) send() *engine {
	e := &engine{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(e, s.request())
	return e
}

// apply makes the change that a fix says.
func (s *scene) apply(f why.Fix) {
	if f.Who == why.Configuration {
		s.configure(f)
		return
	}
	fields := s.fields
	if f.Who == why.Origin {
		fields = s.answer
	}
	switch {
	case f.Name == why.Method:
		s.method = f.Value
	case f.Name == why.Status:
		s.status = 200
	case f.Do == "add":
		fields[f.Name] = append(fields[f.Name], f.Value)
	case f.Do == "set":
		fields[f.Name] = []string{f.Value}
	case f.Value == "":
		delete(fields, f.Name)
	default:
		var rest []string
		for elem := range field.Elements(fields[f.Name]) {
			if name, _, _ := strings.Cut(elem, "="); !strings.EqualFold(name, f.Value) {
				rest = append(rest, elem)
			}
		}
		if fields[f.Name] = rest; len(rest) == 0 {
			delete(fields, f.Name)
		}
	}
}

func (s *scene) configure(f why.Fix) {
	switch f.Name {
	case "profile":
		s.opt.Profile = Standard
	case "key-drop":
		s.opt.Key.Drop = append(s.opt.Key.Drop, f.Value)
	case "key-sort":
		s.opt.Key.Sort = true
	case "max-object":
		s.opt.MaxObject = 1 << 20
	case "max-variants":
		s.opt.MaxVariants = 100
	default:
		s.t.Errorf("a fix that is not known: %v", f)
	}
}

// causes are requests that are no hits, each with its first cause.
var causes = []struct {
	want  rule.ID
	setup func(s *scene)
	// before is sent with these targets before the request itself.
	before  func(s *scene)
	unfixed bool // nothing has to be changed, or nothing can be
}{
	{want: rule.CacheMethod, setup: func(s *scene) { s.method = "OPTIONS"; s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.CacheUpgrade, setup: func(s *scene) {
		s.fields.Set("Upgrade", "websocket")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheOriginJudges, setup: func(s *scene) { s.fields.Set("If-Match", `"x"`); s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.CacheMethodOverride, setup: func(s *scene) {
		s.fields.Set("X-Http-Method-Override", "PUT")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheOnlyIfCached, setup: func(s *scene) {
		s.fields.Set("Cache-Control", "only-if-cached")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheTooLarge, setup: func(s *scene) {
		s.opt.MaxObject, s.body = 10, "more than ten bytes"
		s.answer.Set("Content-Length", "19")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheSetCookie, setup: func(s *scene) {
		s.answer.Set("Set-Cookie", "ab=secret; Path=/")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheAuthorized, setup: func(s *scene) {
		s.fields.Set("Authorization", "Basic c2VjcmV0")
		s.answer.Set("Cache-Control", "max-age=60, must-revalidate")
	}},
	{want: rule.CacheCookied, setup: func(s *scene) {
		s.fields.Set("Cookie", "session=secret")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheTypeMismatch, setup: func(s *scene) {
		s.target = "http://e/a.css"
		s.answer.Set("Content-Type", "text/html")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheTypeMismatch, setup: func(s *scene) {
		s.target = "http://e/a.png"
		s.answer.Set("Content-Type", "text/html")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.CacheErrorStatus, setup: func(s *scene) { s.status = 400; s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.NotStoredMethod, setup: func(s *scene) { s.method = "HEAD"; s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.NotStoredStatus, setup: func(s *scene) { s.status = 429; s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.NotStoredNoStore, setup: func(s *scene) { s.answer.Set("Cache-Control", "no-store") }},
	{want: rule.NotStoredNoStore, setup: func(s *scene) {
		s.answer.Set("Cdn-Cache-Control", "no-store")
		s.answer.Set("Cache-Control", "max-age=5")
	}},
	{want: rule.NotStoredRequest, setup: func(s *scene) { s.fields.Set("Cache-Control", "no-store"); s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.NotStoredNotUnderstood, setup: func(s *scene) { s.status = 299; s.answer.Set("Cache-Control", "max-age=60, must-understand") }},
	{want: rule.NotStoredPrivate, setup: func(s *scene) { s.answer.Set("Cache-Control", "private, max-age=60") }},
	{want: rule.NotStoredAuthorized, setup: func(s *scene) {
		s.fields.Set("Authorization", "Basic c2VjcmV0")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.NotStoredSetCookie, setup: func(s *scene) {
		s.answer.Set("Set-Cookie", "ab=secret")
		s.answer.Set("Etag", `"x"`)
	}},
	{want: rule.NotStoredVaryAny, setup: func(s *scene) { s.answer.Set("Vary", "*"); s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.NotStoredNoFreshness, setup: func(s *scene) { s.status = 302 }},
	{want: rule.NotStoredUseless, setup: func(s *scene) {}},
	{want: rule.NotStoredPartial, setup: func(s *scene) {
		s.fields.Set("Range", "bytes=0-1")
		s.status = 206
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.ReuseNoCache, setup: func(s *scene) {
		s.answer.Set("Etag", `"x"`)
		s.answer.Set("Cache-Control", "no-cache")
	}},
	{want: rule.ReuseRequestNoCache, setup: func(s *scene) { s.fields.Set("Cache-Control", "no-cache"); s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.ReuseRequestNoCache, setup: func(s *scene) { s.fields.Set("Pragma", "no-cache"); s.answer.Set("Cache-Control", "max-age=60") }},
	{want: rule.ReuseRequestMaxAge, setup: func(s *scene) {
		s.fields.Set("Cache-Control", "max-age=5")
		s.answer.Set("Cache-Control", "max-age=60")
	}, before: func(s *scene) { s.send(); s.pass(10) }},
	{want: rule.ReuseRequestMinFresh, setup: func(s *scene) {
		s.fields.Set("Cache-Control", "min-fresh=100")
		s.answer.Set("Cache-Control", "max-age=60")
	}},
	{want: rule.ReuseStale, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60") }, before: func(s *scene) { s.send(); s.pass(75) }},
	{want: rule.ReuseStale, setup: func(s *scene) { s.answer.Set("Etag", `"x"`) }, before: func(s *scene) { s.send(); s.pass(75) }},
	{want: rule.ReuseMustRevalidate, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60, must-revalidate") }, before: func(s *scene) { s.send(); s.pass(75) }},
	{want: rule.ReuseMustRevalidate, setup: func(s *scene) { s.answer.Set("Cache-Control", "s-maxage=60") }, before: func(s *scene) { s.send(); s.pass(75) }},
	{want: rule.CacheURIMiss, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60") }, before: func(s *scene) {}, unfixed: true},
	{want: rule.CacheURIMiss, setup: func(s *scene) {
		s.target = "http://e/a?b=1&utm_source=x&c=2"
		s.answer.Set("Cache-Control", "max-age=60")
	}, before: func(s *scene) { warm(s, "http://e/a?b=1&c=2") }},
	{want: rule.CacheURIMiss, setup: func(s *scene) {
		s.target = "http://e/a?b=1&gclid=x&c=2"
		s.answer.Set("Cache-Control", "max-age=60")
	}, before: func(s *scene) { warm(s, "http://e/a?c=2&b=1") }},
	{want: rule.CacheVaryMiss, setup: func(s *scene) {
		s.fields.Set("User-Agent", "b")
		s.answer.Set("Vary", "User-Agent")
		s.answer.Set("Cache-Control", "max-age=60")
	}, before: func(s *scene) { warm(s, s.target, "User-Agent: a") }},
	{want: rule.CacheVaryMiss, setup: func(s *scene) {
		s.fields.Set("Cookie", "a=1") // which is the same
		s.fields.Set("Accept-Language", "de")
		s.answer.Set("Vary", "Cookie, Accept-Language")
		s.answer.Set("Cache-Control", "public, max-age=60")
	}, before: func(s *scene) { warm(s, s.target, "Cookie: a=1", "Accept-Language: en") }, unfixed: true},
	{want: rule.CacheVariantsFull, setup: func(s *scene) {
		s.opt.MaxVariants = 2
		s.fields.Set("X-V", "b")
		s.answer.Set("Vary", "X-V")
		s.answer.Set("Cache-Control", "max-age=60")
	}, before: func(s *scene) {
		s.send()
		for _, v := range []string{"1", "2", "3"} {
			warm(s, s.target, "X-V: "+v)
		}
	}},
	{want: rule.CachePurged, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60") }, before: func(s *scene) { s.send(); s.Purge(s.target, false) }, unfixed: true},
	{want: rule.CachePurged, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60") }, before: func(s *scene) { s.send(); s.store.PurgeAll(false) }, unfixed: true},
	{want: rule.CacheSoftPurged, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60") }, before: func(s *scene) { s.send(); s.Purge(s.target, true) }, unfixed: true},
	{want: rule.CacheSoftPurged, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60") }, before: func(s *scene) { s.send(); s.store.PurgeAll(true) }, unfixed: true},
	{want: rule.CacheInvalidated, setup: func(s *scene) { s.answer.Set("Cache-Control", "max-age=60") }, before: func(s *scene) { s.send(); s.do("POST " + s.target) }, unfixed: true},
	{want: rule.CacheGroupInvalidated, setup: func(s *scene) {
		s.answer.Set("Cache-Groups", `"g"`)
		s.answer.Set("Cache-Control", "max-age=60")
	}, before: func(s *scene) {
		s.send()
		s.answer.Set("Cache-Group-Invalidation", `"g"`)
		s.do("POST http://e/other")
		s.answer.Del("Cache-Group-Invalidation")
	}, unfixed: true},
	{want: rule.CacheHeadDiffers, setup: func(s *scene) {
		s.answer.Set("Cache-Control", "max-age=60")
		s.answer.Set("Etag", `"x"`)
		s.answer.Set("Content-Length", "5")
	}, before: func(s *scene) {
		s.send()
		s.pass(61)
		s.answer.Set("Etag", `"y"`)
		s.answer.Set("Content-Length", "6")
		s.body = "hello!"
		s.do("HEAD " + s.target)
	}, unfixed: true},
	{want: rule.CachePartialMiss, setup: func(s *scene) {
		s.answer.Set("Cache-Control", "max-age=60")
		s.answer.Set("Etag", `"x"`)
	}, before: func(s *scene) {
		s.status = 206
		s.answer.Set("Content-Range", "bytes 0-1/5")
		s.body = "he"
		warm(s, s.target, "Range: bytes=0-1")
		s.status, s.body = 200, "hello"
		s.answer.Del("Content-Range")
	}, unfixed: true},
}

// TestCauses: each cause is what Why says it is before the request, and what the
// record says after it, and with the fixes applied the request becomes a hit.
func TestCauses(t *testing.T) {
	for _, c := range causes {
		t.Run(c.want.String(), func(t *testing.T) {
			s := newScene(t)
			c.setup(s)
			s.open()
			if c.before == nil {
				s.send()
				if c.want == rule.CacheOnlyIfCached {
					s.send()
				}
			} else {
				c.before(s)
			}
			asked, used := s.asked.Load(), s.store.memory.EstimatedSize()
			e := s.Why(s.request())
			if e.Rule != c.want {
				t.Errorf("Why says %v: %s\n%s", e.Rule, e.Sentence, e.AppendText(nil, 0))
			}
			if s.asked.Load() != asked || s.store.memory.EstimatedSize() != used {
				t.Error("Why has disturbed the cache")
			}
			if (len(e.Fixes) == 0) != c.unfixed {
				t.Errorf("fixes %v", e.Fixes)
			}
			if text := string(e.AppendText(nil, 0)); strings.Contains(text, "secret") || strings.Contains(text, "c2VjcmV0") {
				t.Errorf("a secret is told:\n%s", text)
			}
			t.Logf("\n%s", e.AppendText(nil, 100))
			rec := s.send()
			if rec.why != c.want {
				t.Errorf("the record says %v, %v", rec.why, rec.verdict)
			}
			if rec.verdict != e.Verdict && e.Verdict != record.Revalidated {
				t.Errorf("verdict %v, foretold %v", rec.verdict, e.Verdict)
			}
			if text := fmt.Sprintf("%+v", rec.detail); strings.Contains(text, "secret") || strings.Contains(text, "c2VjcmV0") {
				t.Errorf("a secret is recorded: %s", text)
			}
			s.explainPast(rec, c.want)
			s.expectHit(e.Fixes, c.want)
		})
	}
}

// explainPast checks what is said of a record.
func (s *scene) explainPast(rec *engine, want rule.ID) {
	s.t.Helper()
	u := s.request().URL
	e := s.Explain(&record.Record{
		Start: s.now, Method: s.method, Target: u.RequestURI(), Host: "e", Status: rec.Code, Rule: rec.why, Verdict: rec.verdict, Detail: rec.detail,
	})
	if e == nil || e.Rule != want || e.Sentence == "" || len(e.Compared) == 0 {
		s.t.Errorf("explained as %+v", e)
		return
	}
	s.t.Logf("\n%s", e.AppendText(nil, 100))
}

// expectHit applies the fixes and sends the request twice, on a new cache if the
// configuration changes: then the answer is a hit, also after the time that
// passed before.
func (s *scene) expectHit(fixes []why.Fix, was rule.ID) {
	s.t.Helper()
	if was == rule.NotStoredPartial {
		return
	}
	for _, f := range fixes {
		s.apply(f)
	}
	s.open()
	s.send()
	if was == rule.ReuseStale || was == rule.ReuseMustRevalidate {
		s.pass(75)
	}
	if rec := s.send(); rec.verdict != record.Hit {
		s.t.Errorf("with the fixes %v it is a %v by %v", fixes, rec.verdict, rec.why)
	}
}
