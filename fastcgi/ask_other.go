//go:build !linux

package fastcgi

type asking struct{}

// ask leaves it all to be written and read otherwise.
func (c *conn) ask(out, p []byte) (wrote, n int, err error) { return 0, 0, nil }
