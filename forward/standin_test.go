package forward

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"image"
	_ "image/gif"
	"strings"
	"testing"
)

// Each stand-in that lists ask for is there, and is of its kind.
func TestNamed(t *testing.T) {
	for _, name := range []string{
		"1x1.gif", "2x2.png", "3x2.png", "32x32.png", "noop.js", "noop.html", "noop.css", "noop.txt", "noop.json", "empty", "click2load.html",
		"noop-0.1s.mp3", "noop-0.5s.mp3", "noop-1s.mp4", "noop-vmap1.xml", "noop-vast2.xml", "noop-vast3.xml", "noop-vast4.xml",
		"google-analytics_analytics.js", "google-analytics_ga.js", "googletagservices_gpt.js", "googlesyndication_adsbygoogle.js", "scorecardresearch_beacon.js",
		"doubleclick_instream_ad_status.js", "amazon_ads.js", "amazon_apstag.js", "google-ima.js", "fingerprint2.js", "fuckadblock.js-3.2.0",
	} {
		s, ok := named[name]
		if !ok {
			t.Errorf("there is no %s", name)
			continue
		}
		switch {
		case strings.HasPrefix(s.kind, "image/"):
			if _, _, err := image.Decode(strings.NewReader(s.body)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case strings.HasPrefix(s.kind, "text/xml"):
			if err := xml.Unmarshal([]byte(s.body), new(struct{})); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case s.kind == "video/mp4":
			checkBoxes(t, name, []byte(s.body))
		case s.kind == "audio/mpeg":
			if len(s.body) == 0 || len(s.body)%len(frame) != 0 || s.body[0] != 0xff {
				t.Errorf("%s: %d bytes", name, len(s.body))
			}
		case strings.HasPrefix(s.kind, "text/javascript"):
			if strings.Count(s.body, "{") != strings.Count(s.body, "}") || strings.Count(s.body, "(") != strings.Count(s.body, ")") {
				t.Errorf("%s: brackets", name)
			}
		}
		if len(s.body) > 8<<10 {
			t.Errorf("%s has %d bytes", name, len(s.body))
		}
	}
}

// checkBoxes wants boxes to fill a file, and the samples to be where the table of
// chunks says.
func checkBoxes(t *testing.T, name string, b []byte) {
	t.Helper()
	if at := bytes.Index(b, []byte("stco")); at < 0 || string(b[binary.BigEndian.Uint32(b[at+12:]):][:2]) != frame[:2] {
		t.Errorf("%s: the samples are elsewhere", name)
	}
	for len(b) > 0 {
		n := binary.BigEndian.Uint32(b)
		if n < 8 || int(n) > len(b) {
			t.Fatalf("%s: a box of %d bytes, of %d", name, n, len(b))
		}
		b = b[n:]
	}
}

func TestSizeIn(t *testing.T) {
	for text, want := range map[string][2]int{
		"/728x90/": {728, 90}, "/a_728x90.gif": {728, 90}, "/728X90": {728, 90}, "728x90": {728, 90}, "/x/300x250-2": {300, 250},
		"/a728x90": {}, "/728x90b": {}, "/1x1.gif": {}, "/0x90": {}, "/x90": {}, "/728x": {}, "/5000x10": {}, "/12345x1": {}, "": {}, "x": {},
		"/99999x1/88x31": {88, 31},
	} {
		w, h, ok := sizeIn(text)
		if ok != (want != [2]int{}) || ok && [2]int{w, h} != want {
			t.Errorf("%q: %d x %d, %v", text, w, h, ok)
		}
	}
}

func TestRemovedNames(t *testing.T) {
	for _, tt := range [][3]string{
		{"http://a/?x=1&utm=2&y=3", "http://a/?x=1&y=3", "utm"},
		{"http://a/?utm=2&utm=3", "http://a/", "utm"},
		{"http://a/?x=1&x=1&x=2", "http://a/?x=1", "x"},
		{"http://a/", "http://a/", ""},
	} {
		if got := strings.Join(removedNames(tt[0], tt[1]), " "); got != tt[2] {
			t.Errorf("%s to %s: %q", tt[0], tt[1], got)
		}
	}
}
