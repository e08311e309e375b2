package forward

import (
	"context"
	"errors"
)

// ListUpdate is what has become of a list that was asked for.
type ListUpdate struct {
	Name    string
	From    string // its file or its address
	Before  int    // rules of the edition that was in force; 0 without one
	Now     int    // of the one that is
	Changed bool   // it is another edition
	Error   string // why it is not known to be the newest; "" when it is
}

// listUpdate is a call of UpdateLists.
type listUpdate struct {
	ctx  context.Context
	told func(done, all int, name string)
	all  []ListUpdate
	done chan struct{}
}

var errListsClosed = errors.New("the lists are closed")

// UpdateLists looks at all lists now, as Reload has it done, waits until what
// has come is in force, and says what has become of each, in the order of the
// options. told, when it is not nil, is called before each list is looked at.
// The error is ctx's, or that the handler is closed; a list that cannot be read
// is none: see ListUpdate.Error.
func (h *Handler) UpdateLists(ctx context.Context, told func(done, all int, name string)) ([]ListUpdate, error) {
	l := h.lists
	if len(l.all) == 0 {
		return nil, nil
	}
	u := &listUpdate{ctx: ctx, told: told, done: make(chan struct{})}
	select {
	case l.asked <- u:
	case <-l.over:
		return nil, errListsClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	<-u.done // fetching ends with ctx
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case len(u.all) == 0:
		return nil, errListsClosed
	}
	return u.all, nil
}

// update does what a call of UpdateLists asks for; until ends with the lists.
// What came before the call was given up is in force, too.
func (l *lists) update(until context.Context, u *listUpdate) {
	defer close(u.done)
	ctx, cancel := context.WithCancel(until)
	defer cancel()
	defer context.AfterFunc(u.ctx, cancel)()

	l.loading.Lock()
	defer l.loading.Unlock()
	before, texts := l.states(), make([]string, len(l.all))
	for i, k := range l.all {
		texts[i] = k.text
	}
	changed := l.load(ctx, true, func(i int, k *followed) {
		if u.told != nil {
			u.told(i, len(l.all), k.source.Name)
		}
	})
	if changed && until.Err() == nil {
		l.compile()
	}
	if ctx.Err() != nil {
		return
	}
	for i, now := range l.states() {
		u.all = append(u.all, ListUpdate{Name: now.Name, From: now.From, Before: before[i].Info.Counts.Rules(),
			Now: now.Info.Counts.Rules(), Changed: l.all[i].text != texts[i], Error: now.Error})
	}
}
