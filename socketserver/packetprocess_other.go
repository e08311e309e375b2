//go:build !unix

package socketserver

import (
	"net"
	"os"
)

func duplicate(net.PacketConn) (*os.File, error) { return nil, ErrNoProcesses }

func socketPair() (ours, theirs *os.File, err error) { return nil, nil, ErrNoProcesses }
