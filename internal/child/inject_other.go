//go:build linux && !amd64

package child

import "errors"

// mayInject says that this architecture has inject.
const mayInject = false

func inject(int, []limit) error { return errors.ErrUnsupported }
