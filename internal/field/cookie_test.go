package field

import (
	"slices"
	"testing"
)

func TestWithoutCookies(t *testing.T) {
	for _, tt := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"a=1; b=2"}, []string{"a=1; b=2"}},
		{[]string{"freshet-monitor-8001=x"}, nil},
		{[]string{"a=1; freshet-monitor-8001=x; b=2"}, []string{"a=1; b=2"}},
		{[]string{"freshet-monitor-1=x;freshet-monitor-2=y;a=1"}, []string{"a=1"}},
		{[]string{"a=1", "\tfreshet-monitor-1=x", "b=freshet-monitor-1"}, []string{"a=1", "b=freshet-monitor-1"}},
		{[]string{"a=freshet-monitor-"}, []string{"a=freshet-monitor-"}},
	} {
		if got := WithoutCookies(tt.in, MonitorCookie); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q", tt.in, got)
		}
	}
}

func TestCookie(t *testing.T) {
	for _, tt := range []struct {
		in    []string
		value string
		n     int
		left  []string
	}{
		{nil, "", 0, nil},
		{[]string{"a=1; b=2"}, "", 0, []string{"a=1; b=2"}},
		{[]string{"id=x"}, "x", 1, nil},
		{[]string{"id="}, "", 1, nil},
		{[]string{"id=x=y; a=1"}, "x=y", 1, []string{"a=1"}},
		{[]string{"a=1;id=x;  b=\"2 3\" ;"}, "x", 1, []string{"a=1;  b=\"2 3\" ;"}},
		{[]string{";; id=x"}, "x", 1, nil},
		{[]string{";a=1; id=x"}, "x", 1, []string{";a=1"}},
		{[]string{"id=x; id=y", "id =z"}, "z", 3, nil},
		{[]string{"Id=x; xid=y; id", "a=id=1"}, "", 0, []string{"Id=x; xid=y; id", "a=id=1"}},
		{[]string{"", "id=x"}, "x", 1, []string{""}},
	} {
		value, n := Cookie(tt.in, "id")
		if left := WithoutCookie(tt.in, "id"); value != tt.value || n != tt.n || !slices.Equal(left, tt.left) {
			t.Errorf("%q: %q, %d, and %q is left", tt.in, value, n, left)
		}
	}
}
