package wire

import "testing"

func TestBodyless(t *testing.T) {
	for _, c := range []struct {
		method         string
		status         int
		want, ofStatus bool // Bodyless, BodylessStatus
		lengthless     bool
	}{
		{"GET", 100, true, true, true},
		{"GET", 101, true, true, true},
		{"GET", 199, true, true, true},
		{"GET", 200, false, false, false},
		{"GET", 204, true, true, true},
		{"GET", 205, false, false, false},
		{"GET", 206, false, false, false},
		{"GET", 304, true, true, false},
		{"GET", 404, false, false, false},
		{"HEAD", 200, true, false, false},
		{"HEAD", 404, true, false, false},
		{"head", 200, false, false, false}, // methods have a case (RFC 9110 §9.1)
		{"CONNECT", 200, true, false, false},
		{"CONNECT", 299, true, false, false},
		{"CONNECT", 407, false, false, false},
	} {
		if got := Bodyless(c.method, c.status); got != c.want {
			t.Errorf("%d to %s: %v", c.status, c.method, got)
		}
		if got := BodylessStatus(c.status); got != c.ofStatus {
			t.Errorf("%d: %v", c.status, got)
		}
		if got := LengthlessStatus(c.status); got != c.lengthless {
			t.Errorf("%d without a length: %v", c.status, got)
		}
	}
}

// Both say the same of all answers.
func TestBodylessIsFraming(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "POST", "CONNECT"} {
		for status := 100; status < 600; status++ {
			h := ResponseHead{Status: status, ContentLength: 5}
			if framing := h.Framing(method); Bodyless(method, status) != (framing != SizedBody) {
				t.Errorf("%d to %s: framing %d", status, method, framing)
			}
		}
	}
}
