//go:build !nonats

package bus

import "context"

// KeysFit says if what the fleet puts into NATS is sealed, and not by the keys that
// are here: atrest.ErrSealed without keys, atrest.ErrNoKey with others,
// atrest.ErrDamaged when one has another secret. Where nothing is sealed, or there is
// nothing yet, all keys fit, and none. It makes nothing.
func (c *Conn) KeysFit(ctx context.Context) error {
	ctx, cancel := c.whileLinked(ctx)
	defer cancel()
	number, data, err := c.fetchRecord(ctx)
	if err == nil && number > 0 {
		_, _, _, err = unpackRecord(data, c.seal)
	}
	return err
}
