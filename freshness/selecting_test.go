package freshness

import "testing"

func TestCutSelecting(t *testing.T) {
	b := AppendSelecting(nil, "Accept-Encoding", []string{"br, gzip;q=0.5"})
	b = AppendSelecting(b, "X-None", nil)
	b = AppendSelecting(b, "X-Empty", []string{""})
	b = AppendSelecting(b, "X-Two", []string{"a", "b"})
	rest := string(b)
	for _, want := range []struct {
		value   string
		present bool
	}{{"br,gzip;q=0.500", true}, {"", false}, {"", true}, {"a,b", true}, {"", false}} {
		var value string
		var present bool
		if value, present, rest = CutSelecting(rest); value != want.value || present != want.present {
			t.Errorf("%q %v, want %q %v", value, present, want.value, want.present)
		}
	}
	if rest != "" {
		t.Errorf("%q is left", rest)
	}
	for _, bad := range []string{"abc", "\x00\x00\x00\x09abc", "\x7f\xff\xff\xffx"} {
		if v, present, rest := CutSelecting(bad); v != "" || present || rest != "" {
			t.Errorf("%q: %q %v %q", bad, v, present, rest)
		}
	}
}

// FuzzCutSelecting: whatever is cut, the rest gets shorter, and what was cut off
// is what AppendSelecting makes of it.
func FuzzCutSelecting(f *testing.F) {
	f.Add(string(AppendSelecting(nil, "X", []string{"a"})))
	f.Add("\xff\xff\xff\xff\x00\x00\x00\x00")
	f.Add("\x00\x00\x00\x05abc")
	f.Fuzz(func(t *testing.T, s string) {
		for s != "" {
			value, present, rest := CutSelecting(s)
			if len(rest) >= len(s) || !present && value != "" || present && s != s[:4]+value+rest {
				t.Fatalf("%q: %q %v %q", s, value, present, rest)
			}
			s = rest
		}
	})
}
