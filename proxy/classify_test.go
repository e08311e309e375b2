package proxy_test

import (
	"errors"
	"net/http"
	"testing"

	"freshet/internal/outbound"
	"freshet/internal/rule"
	"freshet/proxy"
)

// failsWith is a transport whose requests fail in one way.
type failsWith struct{ err error }

func (f failsWith) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// Each way to fail has its rule, and the record names it.
func TestRuleOfFailure(t *testing.T) {
	for kind, want := range map[outbound.Kind]rule.ID{
		outbound.DNSError:               rule.ProxyUnreachable,
		outbound.DNSTimeout:             rule.ProxyConnectTimeout,
		outbound.ConnectionTimeout:      rule.ProxyConnectTimeout,
		outbound.ConnectionRefused:      rule.ProxyRefused,
		outbound.TLSCertificateError:    rule.ProxyTLS,
		outbound.ConnectionTerminated:   rule.ProxyTerminated,
		outbound.ConnectionReadTimeout:  rule.ProxyHeadTimeout,
		outbound.ConnectionWriteTimeout: rule.ProxySendTimeout,
		outbound.ConnectionLimitReached: rule.ProxyBusy,
		outbound.RequestError:           rule.ProxyUnsent,
		outbound.ProtocolError:          rule.ProxyProtocol,
	} {
		h := newProxy(t, proxy.Options{
			Origins: []string{"http://a.example"}, Retries: -1,
			Transport: failsWith{&outbound.Error{Op: "test", Kind: kind, Err: errors.New("it failed")}},
		})
		addr, recs := serve(t, h)
		resp, err := newClient(t).Get("http://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := recs.rule(t); got != want.String() || resp.StatusCode != rule.Of(want).Status {
			t.Errorf("%s: %s, %d, want %v", kind, got, resp.StatusCode, want)
		}
		says(t, h.Why(asked("GET", "/")), want, "would be asked again; the last time")
	}
}

// What a parent answers to CONNECT is no fault of the request, nor of the origin.
func TestRuleOfParent(t *testing.T) {
	for _, tt := range []struct {
		kind   outbound.Kind
		status int
		want   rule.ID
	}{
		{outbound.RequestError, 407, rule.ProxyParentLogin},
		{outbound.RequestError, 400, rule.ProxyUnreachable},
		{outbound.RequestDenied, 403, rule.ProxyUnreachable},
		{outbound.ProtocolError, 302, rule.ProxyUnreachable},
		{outbound.ConnectionTimeout, 504, rule.ProxyConnectTimeout},
		{outbound.DestinationUnavailable, 500, rule.ProxyUnreachable},
	} {
		h := newProxy(t, proxy.Options{Forward: true, Retries: -1,
			Transport: failsWith{&outbound.Error{Op: "ask the proxy", Kind: tt.kind, Err: &outbound.ParentError{Parent: "http://p.example:80", Status: tt.status}}}})
		addr, recs := serve(t, h)
		resp, err := newClient(t).Get("http://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := recs.rule(t); got != tt.want.String() || resp.StatusCode != rule.Of(tt.want).Status {
			t.Errorf("%s, %d: %s, %d, want %v", tt.kind, tt.status, got, resp.StatusCode, tt.want)
		}
	}
}
