package monitor

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/conditional"
	"freshet/internal/coding"
	"freshet/internal/field"
)

// An answer is a whole answer to a GET: it can be sent to many, and is coded
// once for all of them.
type answer struct {
	status      int
	contentType string
	vary        string // besides Accept-Encoding
	tag         string // entity-tag of the body as it is, with quotes

	mu    sync.Mutex // guards forms
	forms [field.NumCodings]form
	body  []byte
}

// form is a coding of the body: nil when there is none, or when it would not
// be shorter.
type form struct {
	tried bool
	body  []byte
}

func newAnswer(status int, contentType string, body []byte) *answer {
	sum := sha256.Sum256(body)
	return &answer{status: status, contentType: contentType, body: body, tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// form returns the body in a coding, or nil.
func (a *answer) form(c field.Coding) []byte {
	if c == field.Identity {
		return a.body
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &a.forms[c]
	if !f.tried {
		f.tried = true
		if len(a.body) >= coding.MinSize {
			b, err := coding.Encode(nil, c, a.body, coding.Quick)
			if err == nil && coding.Worth(len(a.body), len(b)) {
				f.body = b
			}
		}
	}
	return f.body
}

// send answers r, by its preconditions and the codings that it accepts.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	vary := "Accept-Encoding"
	if a.vary != "" {
		vary = a.vary + ", " + vary
	}
	h.Set("Vary", vary)
	setDefault(h, "Cache-Control", "no-cache")
	if a.status != http.StatusOK {
		h.Set("Cache-Control", "no-store")
	}
	lines, present := r.Header["Accept-Encoding"]
	accepted := field.ParseAcceptEncoding(strings.Join(lines, ","), present)
	order, n := accepted.Order(coding.All.With(field.Identity))
	state := conditional.State{Identity: -1, NoRanges: true, Now: time.Now().Unix()}
	var offered []field.Coding
	for _, c := range order[:n] {
		// Only the best form that there is is made; the tags of others are
		// not given out, but those of the same content still are confirmed.
		if c == field.Identity || len(offered) > 0 || a.form(c) != nil {
			offered = append(offered, c)
			state.Variants = append(state.Variants, conditional.Variant{Tag: a.tagOf(c), Size: -1})
		}
	}
	if len(offered) == 0 {
		// Whoever refuses all codings gets the body as it is: to tell
		// something is better than 406 (RFC 9110 §12.5.3 allows either).
		offered = append(offered, field.Identity)
		state.Variants = append(state.Variants, conditional.Variant{Tag: a.tag, Size: -1})
	}
	if h.Get("Cache-Control") == "no-store" { // nobody keeps what a validator would be for
		a.write(w, r, offered[0])
		return
	}
	q := conditional.FromLines(r.Method, r.Header.Values)
	switch d := conditional.Decide(&q, &state, nil); d.Status {
	case http.StatusNotModified:
		h.Set("Etag", a.tagOf(offered[d.Variant]))
		w.WriteHeader(http.StatusNotModified)
	case http.StatusPreconditionFailed:
		fail(w, r, http.StatusPreconditionFailed, "")
	default:
		h.Set("Etag", a.tagOf(offered[0]))
		a.write(w, r, offered[0])
	}
}

func (a *answer) tagOf(c field.Coding) string { return coding.Tag(a.tag, c) }

// write sends the body in a coding.
func (a *answer) write(w http.ResponseWriter, r *http.Request, c field.Coding) {
	h := w.Header()
	body := a.form(c)
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if c != field.Identity {
		h.Set("Content-Encoding", c.String())
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		w.Write(body) // an error means that the client is gone
	}
}

func setDefault(h http.Header, name, value string) {
	if h.Get(name) == "" {
		h.Set(name, value)
	}
}
