//go:build !unix

package wiretest

import "errors"

func makeFIFO(string) error { return errors.New("this system has no named pipes") }
