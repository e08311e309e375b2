//go:build !unix

package app

import (
	"errors"
	"os"
)

var hangup os.Signal

func makePipe(string) error { return errors.New("there are no pipes here") }
