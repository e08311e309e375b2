package fleet

import (
	"context"
	"errors"
	"fmt"

	"freshet/internal/bus"
	"freshet/jobs"
)

// busLog is a log on NATS whose errors are those that a scheduler knows.
type busLog struct{ *bus.Log }

func (l busLog) Append(ctx context.Context, last uint64, entry []byte) (uint64, error) {
	n, err := l.Log.Append(ctx, last, entry)
	return n, known(err)
}

func (l busLog) PutPage(ctx context.Context, key string, page []byte) error {
	return known(l.Log.PutPage(ctx, key, page))
}

// known makes an error one of package jobs.
func known(err error) error {
	switch {
	case errors.Is(err, bus.ErrFenced):
		return fmt.Errorf("%w: %w", jobs.ErrFenced, err)
	case errors.Is(err, bus.ErrFull):
		return fmt.Errorf("%w: %w", jobs.ErrFull, err)
	}
	return err
}
