package check

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"
)

// connectionNotes are about the connection, and what else may be spoken on it.
var connectionNotes = []Note{
	{
		ID: "connection-closed", Severity: Info, Relates: true,
		Sentence: "the server closes the connection although the client did not ask for that, so the next request costs a new one",
		Clause:   "RFC 9112 §9.3", Remedy: "let connections persist",
		Fires:  ok200("Connection: close"),
		Silent: ok200("Connection: close").asked("Connection: close"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Connection", "close") && !anyFold(x.askedList("Connection"), "close") && x.class() < 4 {
				report(of("Connection"), x.get("Connection"))
			}
		},
	},
	{
		ID: "connection-close-and-keep", Severity: Warn,
		Sentence: "Connection says both close and keep-alive; close counts",
		Clause:   "RFC 9112 §9.3", Remedy: "say one of them",
		Fires:  ok200("Connection: close, keep-alive"),
		Silent: ok200("Connection: keep-alive"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Connection", "close") && x.hasToken("Connection", "keep-alive") {
				report(of("Connection"), x.get("Connection"))
			}
		},
	},
	{
		ID: "connection-names-end-to-end-field", Severity: Bad, Relates: true,
		Sentence: "Connection names a field that is for all recipients, so proxies take it away",
		Clause:   "RFC 9110 §7.6.1", Remedy: "name only fields of this connection in Connection",
		Fires:  ok200("Connection: Cache-Control", "Cache-Control: max-age=60"),
		Silent: ok200("Connection: Upgrade", "Upgrade: websocket"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Connection") {
				if row := knownField(name); row != nil && !row.is(hop) && row.in&inAnswer != 0 && !row.is(vendor) {
					report(of("Connection"), row.name)
				}
			}
		},
	},
	{
		ID: "connection-names-absent-field", Severity: Info, Relates: true,
		Sentence: "Connection names a field that the answer does not have",
		Clause:   "RFC 9110 §7.6.1", Remedy: "leave the name out",
		Fires:  ok200("Connection: X-Session"),
		Silent: ok200("Connection: X-Session", "X-Session: 1"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Connection") {
				if row := knownField(name); anyFold([]string{"close", "keep-alive"}, name) || x.has(name) || row != nil && !row.is(hop) {
					continue
				}
				report(of("Connection"), name)
			}
		},
	},
	{
		ID: "connection-field-unnamed", Severity: Warn, Relates: true,
		Sentence: "the field is for this connection only, but Connection does not name it, so proxies may pass it on",
		Clause:   "RFC 9110 §7.6.1", Remedy: "name the field in Connection",
		Fires:  ok200("Upgrade: h2c"),
		Silent: ok200("Upgrade: h2c", "Connection: upgrade"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Upgrade") && !x.hasToken("Connection", "upgrade") && !x.multiplexed() {
				report(of("Upgrade"), x.get("Upgrade"))
			}
		},
	},
	{
		ID: "keep-alive-while-closing", Severity: Warn, Relates: true,
		Sentence: "Keep-Alive says how long the connection is kept, and Connection that it is closed",
		Clause:   "RFC 9112 §9.3", Remedy: "leave one of them out",
		Fires:  ok200("Connection: close", "Keep-Alive: timeout=5"),
		Silent: ok200("Connection: keep-alive", "Keep-Alive: timeout=5"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Keep-Alive") && x.hasToken("Connection", "close") {
				report(of("Keep-Alive"), x.get("Keep-Alive"))
			}
		},
	},
	{
		ID: "keep-alive-alone", Severity: Info, Relates: true,
		Sentence: "Keep-Alive is there, but Connection does not name it",
		Clause:   "RFC 9110 §7.6.1", Remedy: "send Connection: keep-alive beside it",
		Fires:  ok200("Keep-Alive: timeout=5"),
		Silent: ok200("Connection: Keep-Alive", "Keep-Alive: timeout=5"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Keep-Alive") && !x.has("Connection") && !x.multiplexed() {
				report(of("Keep-Alive"), x.get("Keep-Alive"))
			}
		},
	},
	{
		ID: "keep-alive-timeout-zero", Severity: Info,
		Sentence: "Keep-Alive says that the connection is kept for no time at all",
		Clause:   "RFC 2068 §19.7.1", Remedy: "say close in Connection instead",
		Fires:  ok200("Connection: keep-alive", "Keep-Alive: timeout=0"),
		Silent: ok200("Connection: keep-alive", "Keep-Alive: timeout=5, max=100"),
		find: func(x *subject, report func(where, detail string)) {
			for _, elem := range x.list("Keep-Alive") {
				if name, value, _ := strings.Cut(elem, "="); strings.EqualFold(strings.TrimSpace(name), "timeout") && strings.TrimSpace(value) == "0" {
					report(of("Keep-Alive"), elem)
				}
			}
		},
	},
	{
		ID: "switched-to-nothing", Severity: Bad, Relates: true,
		Sentence: "101 switches to another protocol, and Upgrade does not say to which",
		Clause:   "RFC 9110 §15.2.2", Remedy: "send Upgrade with 101",
		Fires:  answered("101 Switching Protocols", "Connection: upgrade").asked("Upgrade: websocket", "Connection: upgrade"),
		Silent: answered("101 Switching Protocols", "Connection: upgrade", "Upgrade: websocket").asked("Upgrade: websocket", "Connection: upgrade"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 101 && !x.has("Upgrade") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "switched-unasked", Severity: Bad, Relates: true,
		Sentence: "101 switches to a protocol that the request did not offer",
		Clause:   "RFC 9110 §7.8", Remedy: "switch only to what the request names in Upgrade",
		Fires:  answered("101 Switching Protocols", "Connection: upgrade", "Upgrade: h2c").asked("Upgrade: websocket", "Connection: upgrade"),
		Silent: answered("101 Switching Protocols", "Connection: upgrade", "Upgrade: websocket").asked("Upgrade: websocket, h2c", "Connection: upgrade"),
		find: func(x *subject, report func(where, detail string)) {
			for _, protocol := range x.list("Upgrade") {
				if x.Status == 101 && !anyFold(x.askedList("Upgrade"), protocol) {
					report(of("Upgrade"), protocol)
				}
			}
		},
	},
	{
		ID: "upgrade-required-to-nothing", Severity: Bad,
		Sentence: "426 demands another protocol, and Upgrade does not say which",
		Clause:   "RFC 9110 §15.5.22", Remedy: "send Upgrade with 426",
		Fires:  answered("426 Upgrade Required"),
		Silent: answered("426 Upgrade Required", "Upgrade: websocket", "Connection: upgrade"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 426 && !x.has("Upgrade") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "upgrade-to-http2", Severity: Info,
		Sentence: "the server offers HTTP/2 by Upgrade, a way that clients do not go any more",
		Clause:   "RFC 9113 §3.1", Remedy: "offer HTTP/2 by ALPN over https; leave it out of Upgrade",
		Fires:  ok200("Upgrade: h2,h2c", "Connection: Upgrade"),
		Silent: ok200("Upgrade: websocket", "Connection: Upgrade"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Upgrade", "h2") || x.hasToken("Upgrade", "h2c") {
				report(of("Upgrade"), x.get("Upgrade"))
			}
		},
	},
	{
		ID: "websocket-accept-wrong", Severity: Bad, Relates: true,
		Sentence: "Sec-WebSocket-Accept does not fit the key of the request, so clients close the connection",
		Clause:   "RFC 6455 §4.2.2", Remedy: "send the SHA-1 hash of the key and the number that the RFC states",
		Fires: answered("101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=").
			asked("Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
		Silent: answered("101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").
			asked("Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
		find: func(x *subject, report func(where, detail string)) {
			if key := x.askedValue("Sec-WebSocket-Key"); key != "" && x.Status == 101 && x.hasToken("Upgrade", "websocket") && x.get("Sec-WebSocket-Accept") != webSocketAccept(key) {
				report(of("Sec-WebSocket-Accept"), x.get("Sec-WebSocket-Accept"))
			}
		},
	},
	{
		ID: "websocket-protocol-unasked", Severity: Bad, Relates: true,
		Sentence: "the server chose a subprotocol that the request did not offer, so clients close the connection",
		Clause:   "RFC 6455 §4.1", Remedy: "choose one of Sec-WebSocket-Protocol of the request, or none",
		Fires: answered("101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Protocol: mqtt").
			asked("Upgrade: websocket", "Connection: upgrade"),
		Silent: answered("101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Protocol: mqtt").
			asked("Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Protocol: mqtt, stomp"),
		find: func(x *subject, report func(where, detail string)) {
			for _, protocol := range x.list("Sec-WebSocket-Protocol") {
				if x.Status == 101 && !anyFold(x.askedList("Sec-WebSocket-Protocol"), protocol) {
					report(of("Sec-WebSocket-Protocol"), protocol)
				}
			}
		},
	},
	{
		ID: "version-old", Severity: Info,
		Sentence: "the answer is HTTP/1.0, so connections are not kept and bodies of unknown length have no end",
		Clause:   "RFC 9110 §2.5", Remedy: "send HTTP/1.1 at least",
		Fires:  ok200("Content-Length: 0").over("HTTP/1.0"),
		Silent: ok200("Content-Length: 0"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Proto == "HTTP/1.0" || x.Proto == "HTTP/0.9" {
				report("the answer", x.Proto)
			}
		},
	},
	{
		ID: "via-loop", Severity: Warn,
		Sentence: "Via names a proxy twice, so messages go round in a circle",
		Clause:   "RFC 9110 §7.6.3", Remedy: "look where the proxies send to, and give each its own name",
		Fires:  ok200("Via: 1.1 edge-a, 1.1 edge-b, 1.1 edge-a"),
		Silent: ok200("Via: 1.1 varnish, 1.1 varnish"),
		find: func(x *subject, report func(where, detail string)) {
			var before []string
			for _, step := range x.list("Via") {
				parts := strings.Fields(step)
				if len(parts) < 2 {
					continue
				}
				// Tiers of one program often share its name.
				if name := parts[1]; anyFold(before, name) && !strings.EqualFold(before[len(before)-1], name) && strings.ContainsAny(name, "-.:0123456789") {
					report(of("Via"), name)
				}
				before = append(before, parts[1])
			}
		},
	},
}

// webSocketAccept is what the server proves with that it read the key (RFC 6455
// §1.3).
func webSocketAccept(key string) string {
	sum := sha1.Sum([]byte(strings.TrimSpace(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
