//go:build !unix

package socketserver

import "os"

// forks cannot start anything here.
type forks struct{}

func (*forks) hold()    {}
func (*forks) release() {}

func (*forks) start(*ProcessOptions, string, string, ...*os.File) (*child, error) {
	return nil, ErrNoProcesses
}

// child is never made here.
type child struct{ process *os.Process }

func (*child) drain()                          {}
func (*child) terminate()                      {}
func (*child) kill()                           {}
func (*child) wait() (*os.ProcessState, error) { return nil, ErrNoProcesses }

func childFiles(string) ([]*os.File, error) { return nil, ErrNoProcesses }

const canFork = false
