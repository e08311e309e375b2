//go:build !linux

package socketserver

import (
	"errors"
	"net"
)

// packetPeer is empty: packetPlain keeps who sent a datagram in its address.
type packetPeer struct{}

func (*packetPeer) unixAddr() net.Addr { return nil }

func (*packetPeer) marshal() []byte { return nil }

func (*packetPeer) unmarshal(b []byte) error {
	if len(b) > 0 {
		return errors.New("more than there can be")
	}
	return nil
}

func newPacketIO(k *packetSocket, _ int) packetIO { return newPacketPlain(k) }

func askForPacketInfo(uintptr) {}

// setReceiveBuffer cannot say what the system grants here.
func setReceiveBuffer(pc net.PacketConn, n int) (granted int, err error) {
	c, ok := pc.(interface{ SetReadBuffer(int) error })
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return n, c.SetReadBuffer(n)
}
