//go:build !linux

package control

import (
	"net"
	"runtime"
)

// hasModes says that modes of files mean something.
const hasModes = runtime.GOOS != "windows"

// samePeer leaves it to the modes of folder and socket who may connect.
func samePeer(net.Conn) bool { return true }
