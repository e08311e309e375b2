package outbound

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Many requests at once, to an origin that does everything wrong that an origin
// can: each answer is the one to its request and whole, or there is an error;
// and an error there is only where the origin was asked for one.
func TestNeverMixed(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		for {
			req, err := http.ReadRequest(p.Reader)
			if err != nil {
				return
			}
			if b, err := io.ReadAll(req.Body); err != nil || string(b) != req.Header.Get("Body") {
				t.Errorf("%q %v", b, err)
				return
			}
			if !misbehave(p, req.URL.Query().Get("as"), req.URL.Query().Get("token")) {
				return
			}
		}
	})
	const workers, each = 8, 150
	ways := []string{"good", "good", "good", "chunked", "close after", "close after two writes", "extra", "second", "to close", "cut off", "cut chunks", "no body", "nothing"}
	tr := newTransport(t)
	tr.MaxConnsPerHost = 5
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(worker)))
			for i := range each {
				as := ways[rnd.IntN(len(ways))]
				token := strings.Repeat(fmt.Sprintf("%d-%d.", worker, i), 1+rnd.IntN(400))
				var body io.Reader
				method := "GET"
				sent := ""
				if rnd.IntN(3) == 0 {
					sent = strconv.Itoa(i)
					method, body = "PUT", strings.NewReader(sent)
				}
				req, _ := http.NewRequest(method, o.url+"/?as="+strings.ReplaceAll(as, " ", "+")+"&token="+token, body)
				req.Header.Set("Body", sent)
				if rnd.IntN(2) == 0 && body != nil {
					req.ContentLength = -1
				}
				_, got, err := do(tr, req)
				switch as {
				case "cut off", "cut chunks":
					if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(token, got) {
						t.Errorf("%s: %.50q %v", as, got, err)
					}
				case "nothing":
					if err == nil {
						t.Error("no error")
					}
				case "no body":
					if got != "" || err != nil {
						t.Errorf("%.50q %v", got, err)
					}
				default:
					if got != token || err != nil {
						t.Errorf("%s: %.50q, want %.50q, %v", as, got, token, err)
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d connections for %d requests", o.conns.Load(), workers*each)
}

// misbehave answers with the token, in the way that is asked for; false when the
// connection is to be closed then.
func misbehave(p *peer, as, token string) (again bool) {
	sized := "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(token)) + "\r\n\r\n"
	half := len(token) / 2
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	// What is too much comes in one write with what is not: what an origin sends
	// after the next request is the answer to that, for all that anybody can tell.
	switch as {
	case "good":
		p.say(sized + token)
		return true
	case "close after":
		p.say(sized + token)
		return false
	case "close after two writes":
		p.say(sized)
		p.say(token)
		return false
	case "extra":
		p.say(sized + token + "evil")
		return true
	case "second":
		p.say(sized + token + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		return true
	case "chunked":
		p.say(chunked + fmt.Sprintf("%x\r\n%s\r\n", half, token[:half]))
		p.say(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(token)-half, token[half:]))
		return true
	case "to close":
		p.say("HTTP/1.1 200 OK\r\n\r\n" + token)
		return false
	case "cut off":
		p.say(sized + token[:half])
		return false
	case "cut chunks":
		p.say(chunked + fmt.Sprintf("%x\r\n%s\r\n", half, token[:half]))
		return false
	case "no body":
		p.say("HTTP/1.1 204 No Content\r\n\r\n")
		return true
	}
	return false // nothing
}
