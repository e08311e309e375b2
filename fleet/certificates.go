package fleet

import (
	"context"
	"fmt"

	"freshet/internal/bus"
)

// callCertificates is what members ask for about the certificates of the fleet,
// with their keys. What is asked, and answered, is internal/acme's; it travels by
// the fleet's own TLS, with certificates on both sides.
const callCertificates = "fleet.certificates"

// certificateTurns is how many questions are answered at a time; one may wait for
// a lock.
const certificateTurns = 256

// serveCertificates answers members whose token is a server's, if this server keeps certificates of a
// fleet.
func (n *Node) serveCertificates(conn *bus.Conn) error {
	answer := n.certificates
	if answer == nil {
		return nil
	}
	stop, err := conn.ServeWith(callCertificates, bus.ServeOptions{Parallel: certificateTurns}, func(ctx context.Context, r bus.Request) ([]byte, error) {
		if !n.server.Serves(r.From) {
			return nil, coded(wrong(fmt.Errorf("%s is a worker, and gets no certificates; freshet worker invite --serves makes the token of a server", r.From)))
		}
		return answer(ctx, r.From, r.Payload)
	})
	if err != nil {
		return err
	}
	n.keep(func() error { stop(); return nil })
	return nil
}
