package client

import (
	"context"
	"net/http"
	"time"

	"freshet/internal/rule"
)

// Why says why an answer is what it is, as the cache tells it.
type Why struct {
	// Verdict is what the request came to: "hit", "stale" (from the cache,
	// although it was stale), "revalidated" (the same, after the origin said
	// that it is valid), "miss", "bypass" (the request goes past the cache),
	// "refused" (by a rule, before anybody was asked), or "handled" when nothing
	// was decided.
	Verdict string
	// Rule is the name of the rule that decided the answer, Sentence and Clause
	// what it says and where that comes from, Remedy what would change it. All
	// may be "".
	Rule, Sentence, Clause, Remedy string

	// What follows is known when the answer is complete.

	Done    bool          // it is
	Forward string        // why the origin was asked, as in RFC 9211: "uri-miss"; "" when it was not
	Storing string        // the name of the rule by which the answer was stored, or was not
	Because string        // its sentence
	Stored  bool          // the answer is in the cache now
	Joined  bool          // it came for another request that asked for the same
	Decided string        // what of the request or the answer decided: "max-age=60, age 75"
	Age     time.Duration // of the stored answer
	TTL     time.Duration // how long it is still fresh; negative: since when it is stale
	Err     error         // how the body ended, if not well, or why there is no answer
}

// From returns why the answer is what it is, and whether a Transport with a
// cache knows it. Once the body has been read to its end or closed, it is
// complete.
func From(resp *http.Response) (w Why, ok bool) {
	if resp == nil || resp.Request == nil {
		return Why{}, false
	}
	return fromContext(resp.Request.Context())
}

func fromContext(ctx context.Context) (w Why, ok bool) {
	a, ok := ctx.Value(answerKey{}).(*answer)
	if !ok {
		return Why{}, false
	}
	return a.why(), true
}

// why is what is known now.
func (a *answer) why() Why {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := Why{Verdict: a.notes.verdict.String(), Err: a.err}
	if a.notes.rule != 0 {
		row := rule.Of(a.notes.rule)
		w.Rule, w.Sentence, w.Clause, w.Remedy = row.Name, row.Sentence, row.Clause, row.Remedy
	}
	if !a.ended {
		return w
	}
	d := &a.notes.detail
	w.Done, w.Forward, w.Stored, w.Joined, w.Decided = true, d.Forward, d.Stored, d.Collapsed, d.Evidence
	if d.Storing != 0 {
		row := rule.Of(d.Storing)
		w.Storing, w.Because = row.Name, row.Sentence
	}
	w.Age, w.TTL = time.Duration(d.Age), time.Duration(d.Lifetime-d.Age)
	return w
}
