//go:build !nonats

package bus

import (
	"context"
	"fmt"
)

// Records are the pages of this log. They are fenced like everything of a log:
// who opens it to write them appends an entry first, and loads them then. From
// that entry on, what the one before stores is refused with ErrFenced, and what
// was stored without an error is loaded. Load and Store wait as Pages and
// PutPage do without a deadline.
func (l *Log) Records() Records { return logRecords{l} }

type logRecords struct{ l *Log }

// Load implements Records.
func (r logRecords) Load(f func(name string, content []byte) error) error {
	return r.l.Pages(context.Background(), f)
}

// Store implements Records. A page of its own is no fence: nobody else may have
// written it. So the log is looked at once the page is there: if another has
// appended by then, it may have loaded the records without it.
func (r logRecords) Store(name string, content []byte) error {
	ctx, cancel := r.l.c.whileLinked(context.Background())
	defer cancel()
	if err := r.l.PutPage(ctx, name, content); err != nil {
		return err
	}
	if err := r.l.stillOurs(ctx); err != nil {
		return fmt.Errorf("page %s of log %s: %w", name, r.l.name, because(ctx, err))
	}
	return nil
}
