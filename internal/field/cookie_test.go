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
