package fastcgi

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// sentFolder is a folder that answers may name files in.
type sentFolder struct {
	*folder
	uri string // under which X-Accel-Redirect names them; "": by their paths
}

// parseSendfile reads an element of Options.Sendfile.
func parseSendfile(s string) (uri, dir string) {
	if uri, dir, ok := strings.Cut(s, "="); ok && strings.HasPrefix(uri, "/") {
		return strings.TrimRight(uri, "/"), dir
	}
	return "", s
}

// sendfileOf returns the file that an answer names to be sent in its stead, and
// takes the fields away by which it does.
func sendfileOf(h http.Header) (name string, uri, ok bool) {
	if v := h["X-Sendfile"]; len(v) > 0 {
		name, ok = v[0], true
	}
	if v := h["X-Accel-Redirect"]; len(v) > 0 {
		name, uri, ok = v[0], true, true
	}
	delete(h, "X-Sendfile")
	delete(h, "X-Accel-Redirect")
	return name, uri, ok
}

// sendfile sends a file with the fields of the answer.
func (x *exchange) sendfile(head *gateway.Head, name string, uri bool) {
	f, fi := x.h.openSent(name, uri)
	if f == nil {
		httpd.SetRule(x.w, rule.SendfileRefused)
		if x.told != nil {
			x.told.Error = "the answer names " + name
		}
		row := rule.Of(rule.SendfileRefused)
		httpd.Error(x.w, x.r, row.Status, row.Explain())
		return
	}
	defer f.Close()
	x.part() // before the client takes its time
	h := x.w.Header()
	for name, values := range head.Header {
		h[name] = values
	}
	h.Del("Content-Length")
	if head.Status != http.StatusOK {
		x.w.WriteHeader(head.Status)
		if x.r.Method != http.MethodHead {
			io.Copy(x.w, f)
		}
		return
	}
	// Ranges and conditions of the client are about the file.
	http.ServeContent(x.w, x.r, "", modified(h, fi), f)
}

// modified is when the file was, unless the answer says itself.
func modified(h http.Header, fi fs.FileInfo) time.Time {
	if t, err := http.ParseTime(h.Get("Last-Modified")); err == nil {
		return t
	}
	return fi.ModTime()
}

// openSent opens a regular file that may be sent, named by its path, or by a
// URI; nil when it may not, or is not there.
func (h *Handler) openSent(name string, uri bool) (*os.File, fs.FileInfo) {
	for _, dir := range h.send {
		rest, ok := dir.holds(name, uri)
		if !ok || dir.look(rest) != file { // a pipe must not be opened
			continue
		}
		f, err := dir.root.Open(rest)
		if err != nil {
			continue
		}
		if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
			return f, fi
		}
		f.Close()
	}
	return nil, nil
}

// holds returns the name in the folder of what an answer names.
func (d *sentFolder) holds(name string, uri bool) (rest string, ok bool) {
	if !uri || d.uri == "" {
		return strings.CutPrefix(path.Clean(name), d.path+"/")
	}
	if rest, ok = below(name, d.uri); !ok {
		return "", false
	}
	rest, dir, fault := wire.DecodePath(rest)
	return rest, fault == wire.PathSound && !dir
}
