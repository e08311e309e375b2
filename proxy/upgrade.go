package proxy

import (
	"io"
	"net/http"

	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/tunnel"
)

// switchProtocols passes a 101 answer on and joins the two connections.
func (x *exchange) switchProtocols(a *attempt, resp *http.Response) {
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || !offered(x.upgrade, upgradeOf(resp.Header)) {
		resp.Body.Close()
		x.fail(&Error{Rule: rule.ProxyUpgradeUnasked, Kind: kindUpgrade, Origin: a.o.name, peer: a.o.peer})
		return
	}
	defer conn.Close()
	protocol := upgradeOf(resp.Header)
	h := x.w.Header()
	copyHead(h, x.r.Method, resp)
	delete(h, "Content-Length")
	h["Connection"], h["Upgrade"] = valueUpgrade, []string{protocol}
	addElement(h, "Via", x.h.via(resp.ProtoMajor, resp.ProtoMinor))
	x.setRule(rule.ProxyUpgraded)
	// From here on the end of what the client sends is not its end: net/http
	// takes it for that even after Hijack.
	a.watch.end()
	x.w.WriteHeader(http.StatusSwitchingProtocols)
	client, brw, err := x.rc.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer client.Close()
	x.h.tunnels.Join(tunnel.Ends{Client: client, Early: brw.Reader, Server: conn}, x.h.o.UpgradeIdle)
}

// offered reports whether every protocol of got is one of asked.
func offered(asked, got string) bool {
	n := 0
	for elem, rest, ok := field.NextElement(got); ok; elem, rest, ok = field.NextElement(rest) {
		if n++; !field.HasToken(asked, elem) {
			return false
		}
	}
	return n > 0
}
