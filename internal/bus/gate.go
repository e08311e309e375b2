//go:build !nonats

package bus

import (
	"crypto/subtle"

	"github.com/nats-io/nats-server/v2/server"
)

// gate decides who a connection is, when NATS asks.
type gate struct {
	s *inside
	// visitor is the node whose connection was greeted with a nonce, as the door
	// knows.
	visitor func(nonce string) (*node, bool)
}

// Check lets in connections of this process, which show a secret that never
// leaves it and may do everything, or another one, for NATS' own account; and those
// of nodes, which the door knows.
func (g gate) Check(c server.ClientAuthentication) bool {
	if c.Kind() != server.CLIENT {
		return false
	}
	if n, ok := g.visitor(string(c.GetNonce())); ok {
		user := &server.User{Username: "node " + n.Name}
		if !n.Peer {
			user.Permissions = workerMay(n.Name)
		}
		c.RegisterUser(user)
		return true
	}
	shown := []byte(c.GetOpts().Token)
	if subtle.ConstantTimeCompare(shown, []byte(g.s.system)) == 1 {
		c.RegisterUser(&server.User{Username: "system", Account: g.s.ns.SystemAccount()})
		return true
	}
	if subtle.ConstantTimeCompare(shown, []byte(g.s.secret)) != 1 {
		return false
	}
	c.RegisterUser(&server.User{Username: "local"})
	return true
}

// workerMay is all that a worker may send and hear.
func workerMay(name string) *server.Permissions {
	send, hear := []string{}, []string{prefixInbox + name + ".>"}
	for _, prefix := range workerCalls {
		send = append(send, prefixCall+name+"."+prefix+">")
		hear = append(hear, prefixHint+prefix+"*."+name)
	}
	return &server.Permissions{Publish: &server.SubjectPermission{Allow: send}, Subscribe: &server.SubjectPermission{Allow: hear}}
}
