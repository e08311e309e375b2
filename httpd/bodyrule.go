package httpd

import (
	"errors"
	"net"
	"net/http"
	"os"

	"freshet/internal/rule"
)

// BodyRule says which rule the body of a request broke that could not be read,
// by the error of reading it: too large, too slow, or not all of it came.
func BodyRule(err error) rule.ID {
	var large *http.MaxBytesError
	var timeout net.Error
	switch {
	case errors.As(err, &large):
		return rule.BodyTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return rule.BodyTimeout
	}
	return rule.BodyIncomplete
}
