//go:build !nonats

package bus

import (
	"crypto/subtle"

	"github.com/nats-io/nats-server/v2/server"
)

// gate decides who a connection is, when NATS asks.
type gate struct{ s *Server }

// Check lets connections of this process in; they may do everything.
func (g gate) Check(c server.ClientAuthentication) bool {
	if c.Kind() != server.CLIENT {
		return false
	}
	o := c.GetOpts()
	if o.Token != "" {
		if subtle.ConstantTimeCompare([]byte(o.Token), []byte(g.s.secret)) != 1 {
			return false
		}
		c.RegisterUser(&server.User{Username: "local"})
		return true
	}
	return false
}
