package field

import "testing"

func TestWithoutLogins(t *testing.T) {
	for given, want := range map[string]string{
		"":                              "",
		"nats://a:4222":                 "nats://a:4222",
		"a:1,b":                         "a:1,b",
		"nats://u:p@a:4222,tls://tok@b": "nats://(secret)@a:4222,tls://(secret)@b",
		"tls://tok@b,c:1,x@d":           "tls://(secret)@b,c:1,(secret)@d",
		"nats://u:p@q@a:4222":           "nats://(secret)@a:4222",
		"u:p@a:4222":                    "(secret)@a:4222",
		"nats://u:p,q,r@a,nats://b":     "(secret),(secret),(secret)@a,nats://b",
		"nats://u:100%@a":               "nats://(secret)@a",
	} {
		if got := WithoutLogins(given); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}
