//go:build nonats

package bus

import "context"

// Room returns ErrAbsent.
func (*Conn) Room(context.Context) (used, most int64, err error) { return 0, 0, ErrAbsent }
