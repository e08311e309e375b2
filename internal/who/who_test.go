package who

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/wire"
)

func TestOn(t *testing.T) {
	r := httptest.NewRequest("GET", "/a", nil)
	r.Header.Set("Authorization", "Basic x")
	r.Header.Set("Accept", "*/*")
	ann := &Who{Name: "ann", Method: "Basic"}
	on := On(r, ann, "Authorization")
	if Of(r) != nil || r.Header.Get("Authorization") == "" || r.Header.Get(Field) != "" {
		t.Error("the request itself was changed")
	}
	if Of(on) != ann || on.Header.Get(Field) != "ann" || on.Header.Get("Authorization") != "" || on.Header.Get("Accept") != "*/*" {
		t.Errorf("%+v, %v", Of(on), on.Header)
	}
	if on = On(&http.Request{}, ann); on.Header.Get(Field) != "ann" {
		t.Error("a request without fields has none afterwards")
	}
}

func TestTakeOff(t *testing.T) {
	r := &http.Request{
		Header: http.Header{
			"Remote-User": {"root"}, "Remote_user": {"root"}, "Remote-Groups": {"all"}, "Remote-Name": {"R"}, "Remote_email": {"r@x"},
			"Client-Cert": {":AA==:"}, "Client_cert_chain": {":AA==:"}, "Remote-Users": {"kept"}, "Accept": {"*/*"},
			"Connection": {"close, remote-user", "keep-alive", "Client_Cert"},
		},
		Trailer: http.Header{"Remote-User": {"root"}, "X-Sum": {"1"}},
	}
	TakeOff(r)
	want := http.Header{"Remote-Users": {"kept"}, "Accept": {"*/*"}, "Connection": {"close", "keep-alive", ""}}
	if !reflect.DeepEqual(r.Header, want) || !reflect.DeepEqual(r.Trailer, http.Header{"X-Sum": {"1"}}) {
		t.Errorf("%v, %v", r.Header, r.Trailer)
	}
}

func TestClaimed(t *testing.T) {
	for fields, want := range map[string]bool{
		"":                              false,
		"Accept: */*\r\nX-A: b\r\n":     false,
		"Remote-Users: a\r\n":           false,
		"remote-USER: a\r\n":            true,
		"X-A: b\r\nRemote_User: a\r\n":  true,
		"Client-Cert-Chain: :AA==:\r\n": true,
	} {
		var l wire.Limits
		q := new(wire.Head)
		if n, broken := l.ParseRequest([]byte("GET / HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n"), q); n == 0 || broken != 0 {
			t.Fatalf("%q: %v", fields, broken)
		}
		if got := Claimed(q); got != want {
			t.Errorf("%q: %v", fields, got)
		}
		if n := alloctest.PerRun(100, func() { Claimed(q) }); n != 0 {
			t.Errorf("%q: %v allocations", fields, n)
		}
	}
}

func TestValid(t *testing.T) {
	for name, want := range map[string]bool{
		"ann": true, "Ann Müller": true, "CN=a,O=b": true, strings.Repeat("a", 255): true,
		"": false, " ann": false, "ann\t": false, "a\r\nb": false, "a\x00": false, "a\u0085b": false, "\xff": false, strings.Repeat("a", 256): false,
	} {
		if Valid(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
