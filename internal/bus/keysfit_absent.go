//go:build nonats

package bus

import "context"

// KeysFit is for who is connected, and nobody is.
func (c *Conn) KeysFit(context.Context) error { return ErrAbsent }

// Behind is the same.
func (c *Conn) Behind(context.Context) ([]string, error) { return nil, ErrAbsent }
