//go:build !nonats

package bus

import (
	"context"
	"fmt"
)

// Room tells how many bytes all streams have, and how many they may have; most is
// 0 when that is not bounded, or not known.
func (c *Conn) Room(ctx context.Context) (used, most int64, err error) {
	ctx, cancel := within(ctx)
	defer cancel()
	account, err := c.js.AccountInfo(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look how much is stored: %w", plainly(err))
	}
	if most = c.maxStore; most == 0 {
		most = max(account.Limits.MaxStore, 0)
	}
	return int64(account.Store), most, nil
}
