package forward

import (
	"net/http"
	"path"
	"strconv"
	"strings"

	"freshet/filterlist"
	"freshet/internal/field"
)

// standIn is what is sent instead of something that is blocked. All are our own,
// as small as their kind allows.
type standIn struct {
	status int // 0: 200
	kind   string
	body   string
}

// Images that show nothing.
const (
	emptyGIF  = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
	emptyWebP = "RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
	emptySVG  = `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`
	emptyHTML = "<!doctype html><title></title>"
)

var (
	gifStandIn   = standIn{kind: "image/gif", body: emptyGIF}
	pngStandIn   = standIn{kind: "image/png", body: emptyPNG(1, 1)}
	webpStandIn  = standIn{kind: "image/webp", body: emptyWebP}
	svgStandIn   = standIn{kind: "image/svg+xml", body: emptySVG}
	jsStandIn    = standIn{kind: "text/javascript; charset=utf-8", body: "(function(){})();"}
	cssStandIn   = standIn{kind: "text/css; charset=utf-8", body: "/**/"}
	htmlStandIn  = standIn{kind: "text/html; charset=utf-8", body: emptyHTML}
	textStandIn  = standIn{kind: "text/plain; charset=utf-8"}
	jsonStandIn  = standIn{kind: "application/json", body: "{}"}
	eventStandIn = standIn{status: http.StatusNoContent} // which ends an EventSource (HTML §9.2.3)
	fontStandIn  = standIn{status: http.StatusNoContent} // no font; the next one of the list is used
)

// standInOf returns the stand-in for a blocked request; ok is false where none
// does less harm than a refusal that says what it is.
func standInOf(r *http.Request, t filterlist.Type) (s standIn, ok bool) {
	switch t {
	case filterlist.Image:
		return imageStandIn(r), true
	case filterlist.Script:
		return jsStandIn, true
	case filterlist.Stylesheet:
		return cssStandIn, true
	case filterlist.Font:
		return fontStandIn, true
	case filterlist.Subdocument, filterlist.Object:
		return htmlStandIn, true
	case filterlist.Media:
		return mediaStandIn(r), true
	case filterlist.Ping:
		return standIn{status: http.StatusNoContent}, true
	case filterlist.XHR:
		return dataStandIn(r), true
	}
	return standIn{}, false
}

// dataStandIn is for what a script asked for.
func dataStandIn(r *http.Request) standIn {
	if r.Method == http.MethodOptions {
		return standIn{status: http.StatusNoContent}
	}
	accept := strings.Join(r.Header["Accept"], ",")
	switch {
	case strings.Contains(accept, "text/event-stream"):
		return eventStandIn
	case strings.Contains(accept, "json"), strings.EqualFold(path.Ext(r.URL.Path), ".json"):
		return jsonStandIn
	}
	return textStandIn
}

// imageStandIn is an image of the kind that the path or Accept names. One whose
// size the address tells has that size, so that what stands around it stays
// where it is: as SVG if that was asked for, else as GIF, which browsers take
// under any name.
func imageStandIn(r *http.Request) standIn {
	width, height, sized := sizeOf(r)
	ending := strings.ToLower(path.Ext(r.URL.Path))
	accept := strings.Join(r.Header["Accept"], ",")
	switch {
	case ending == ".svg" && sized:
		return standIn{kind: "image/svg+xml", body: `<svg xmlns="http://www.w3.org/2000/svg" width="` + strconv.Itoa(width) + `" height="` + strconv.Itoa(height) + `"/>`}
	case ending == ".svg":
		return svgStandIn
	case sized:
		return standIn{kind: "image/gif", body: sizedGIF(width, height)}
	case ending == ".png":
		return pngStandIn
	case ending == ".webp", ending == "" && accept != "" && field.BestType(accept, "image/gif", "image/png", "image/webp") == 2:
		return webpStandIn
	case ending == "" && accept != "" && field.BestType(accept, "image/gif", "image/png") == 1:
		return pngStandIn
	}
	return gifStandIn
}

// sizedGIF is an empty image of a size: that of the screen of a GIF, of which
// one pixel is drawn.
func sizedGIF(width, height int) string {
	b := []byte(emptyGIF)
	b[6], b[7], b[8], b[9] = byte(width), byte(width>>8), byte(height), byte(height>>8)
	return string(b)
}

// maxSide bounds the sizes that are believed.
const maxSide = 4096

// sizeOf looks for the size of an image in its address: 728x90 between signs
// that are no letters or digits, or parameters width and height, or w and h.
func sizeOf(r *http.Request) (width, height int, ok bool) {
	for _, text := range []string{r.URL.Path, r.URL.RawQuery} {
		if width, height, ok = sizeIn(text); ok {
			return width, height, true
		}
	}
	q := r.URL.Query()
	for _, names := range [][2]string{{"width", "height"}, {"w", "h"}} {
		width, ok1 := side(q.Get(names[0]))
		height, ok2 := side(q.Get(names[1]))
		if ok1 && ok2 {
			return width, height, true
		}
	}
	return 0, 0, false
}

// sizeIn finds the first 728x90 in a text.
func sizeIn(text string) (width, height int, ok bool) {
	for i := 1; i+1 < len(text); i++ {
		if text[i] != 'x' && text[i] != 'X' {
			continue
		}
		from, to := i, i+1
		for from > 0 && isDigit(text[from-1]) {
			from--
		}
		for to < len(text) && isDigit(text[to]) {
			to++
		}
		if from > 0 && isWord(text[from-1]) || to < len(text) && isWord(text[to]) {
			continue
		}
		width, ok1 := side(text[from:i])
		height, ok2 := side(text[i+1 : to])
		if ok1 && ok2 && width*height > 1 {
			return width, height, true
		}
	}
	return 0, 0, false
}

func side(s string) (int, bool) {
	if len(s) == 0 || len(s) > 4 {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && n <= maxSide
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }
