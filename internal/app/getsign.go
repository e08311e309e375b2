package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	"freshet/client"
	"freshet/internal/signing"
)

// signHere is in the context of requests that --sign is for.
type signHere struct{}

// openSigner opens the key of --sign.
func (g *getting) openSigner() error {
	if g.conf.Sign == "" {
		return nil
	}
	o := client.SignOptions{Components: g.conf.SignComponents}
	if g.env.Now != nil {
		o.Now = func() time.Time { return time.Unix(0, g.env.Now()) }
	}
	var err error
	if g.signer, err = signing.Open(g.conf.Sign, o); err != nil {
		return &getFault{exitFault, err}
	}
	return nil
}

// toSign returns a context of a request that is signed, if there is a key: it says
// who asks, as a login does, and is for the same hosts.
func (f *fetch) toSign(ctx context.Context, h *getHop) context.Context {
	if f.signer == nil || !h.trusted(f.conf) {
		return ctx
	}
	return context.WithValue(ctx, signHere{}, true)
}

// sign signs a request that is about to be sent. --verbose shows what was signed,
// line by line, for who compares it with what a server has verified.
func (g *getting) sign(req *http.Request) error {
	if g.signer == nil || req.Context().Value(signHere{}) == nil {
		return nil
	}
	if err := g.signer.Request(req); err != nil {
		return &getFault{exitFault, err}
	}
	if base, err := g.signer.Base(req); err == nil && g.talk.on() {
		g.talk.note("Signed with key %s, %s:", g.signer.Key().ID(), g.signer.Key().Algorithm())
		for line := range strings.SplitSeq(string(base), "\n") {
			g.talk.note("  %s", line)
		}
	}
	return nil
}
