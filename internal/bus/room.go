//go:build !nonats

package bus

import (
	"context"
	"fmt"
)

// Room tells how many bytes are stored, and how many may be; most is 0 when that is
// not bounded, or not known. Of a server in the process it is what that one has on
// its own disk, whatever its peers have on theirs: that is what its bound is of.
func (c *Conn) Room(ctx context.Context) (used, most int64, err error) {
	if c.host != nil {
		return c.host.room()
	}
	ctx, cancel := within(ctx)
	defer cancel()
	account, err := c.js.AccountInfo(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look how much is stored: %w", plainly(err))
	}
	return int64(account.Store), max(account.Limits.MaxStore, 0), nil
}

func (s *inside) room() (used, most int64, err error) {
	info, err := s.ns.Jsz(nil)
	if err == nil && info.Disabled {
		err = ErrNoStore
	}
	if err != nil {
		return 0, 0, fmt.Errorf("look how much is stored: %w", err)
	}
	return int64(info.Store), s.maxStore, nil
}
