package check

import "slices"

// A content that was the same in the first two answers may be another one in
// the third, and then the first one again. So what an answer is accused of
// because it does not fit an earlier one is a doubt, until the earlier one was
// asked for again and is the same, and the other one was, and does not fit
// either.

// A doubt is a finding that holds if the content did not change meanwhile.
type doubt struct {
	id, where, detail string
	earlier           *reply // base or plain
}

// doubtful notes that an answer does not fit an earlier one.
func (e *examination) doubtful(earlier *reply, id, where, detail string) {
	if e.stable {
		e.doubts = append(e.doubts, doubt{id, where, detail, earlier})
	}
}

// surely makes a step of the examination. If it leaves doubts, it is made once
// more, and what is found both times is reported.
func (e *examination) surely(step func()) {
	step()
	found := e.doubts
	e.doubts = nil
	for _, earlier := range []*reply{e.base, e.plain} {
		of := func(d doubt) bool { return d.earlier == earlier }
		if slices.ContainsFunc(found, of) && !e.unchanged(earlier) {
			found = slices.DeleteFunc(found, of)
		}
	}
	if len(found) == 0 {
		return
	}
	e.again = true
	step()
	e.again = false
	for _, d := range found {
		if slices.ContainsFunc(e.doubts, func(x doubt) bool { return x.id == d.id && x.where == d.where }) {
			e.report(d.id, d.where, d.detail)
		}
	}
	e.doubts = nil
}

// unchanged asks for base or plain again, and reports whether it is the same.
func (e *examination) unchanged(earlier *reply) bool {
	p := probe{}
	if earlier == e.plain {
		p = with("Accept-Encoding", "identity")
	}
	now := e.ask("the answer to the same again", p)
	if now == nil || now.get("Content-Encoding") != earlier.get("Content-Encoding") {
		return false
	}
	e.stable = sameBytes(now, earlier)
	return e.stable
}
