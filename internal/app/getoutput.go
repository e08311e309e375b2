package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"freshet/internal/field"
)

// getOutput is where the answer for a URL goes: standard output, or a file,
// which gets its name when it is complete.
type getOutput struct {
	g     *getting
	name  string // of the file; "" for standard output
	asked bool   // - was given: binary may go to a terminal
	field bool   // the answer may name the file

	before chan struct{} // closed when standard output is this one's; nil when it is

	w       io.Writer // while there is something to write to
	file    *os.File  // the same, of a file
	part    string    // its name until it is complete; "" when it has its own
	opened  bool      // there is one of that name
	about   *getAbout // what it is a part of, nil when that is not known
	final   string    // the name that it gets, links followed
	began   bool
	pending []byte // heads that go in front of the body
	looked  bool   // whether a terminal can bear it
	written int64
}

// outputFor finds where the answer for the i-th URL goes.
func (g *getting) outputFor(i int, u *url.URL) (*getOutput, error) {
	c := g.conf
	o := &getOutput{g: g}
	remote := c.RemoteAll
	if i < len(c.Outputs) {
		remote = c.Outputs[i].Remote
		o.name = c.Outputs[i].File
	}
	if o.name == "-" {
		o.name, o.asked = "", true
		return o, nil
	}
	if remote {
		last := u.EscapedPath()
		o.name, _ = url.PathUnescape(last[strings.LastIndexByte(last, '/')+1:])
		if !safeName(o.name) {
			return nil, getFaultf(getWriteError, "the path of %s has no name for a file; give one with --output", u.Redacted())
		}
		o.field = c.FieldName
	}
	if o.name != "" && c.OutputDir != "" {
		o.name = filepath.Join(c.OutputDir, o.name)
	}
	return o, nil
}

// safeName reports whether a name that a server has a say in can be that of a
// file in the folder.
func safeName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00") && !strings.ContainsFunc(name, field.Obeyed) && filepath.IsLocal(name)
}

// begin opens the file; what an earlier try has left is begun anew.
func (o *getOutput) begin(f *fetch, resp *http.Response) error {
	if o.name == "" {
		o.wait()
		if o.began && o.written > 0 {
			return getFaultf(getWriteError, "a part of the body was written already; give a file with --output, so that it can be fetched again")
		}
		o.began, o.w = true, o.g.env.Stdout
		return nil
	}
	o.close()
	name := o.name
	if o.field {
		if said := nameInField(resp.Header.Get("Content-Disposition")); said != "" {
			name = filepath.Join(filepath.Dir(o.name), said)
			if _, err := os.Lstat(name); err == nil {
				return getFaultf(getWriteError, "%s is there already, and a name that a server says replaces nothing", name)
			}
		}
	}
	if o.g.conf.CreateDirs {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return o.fault(name, err)
		}
	}
	if o.g.conf.NoClobber {
		name = unusedName(name)
	}
	return o.open(f, resp, name)
}

// open opens the file of that name, or what becomes it.
func (o *getOutput) open(f *fetch, resp *http.Response, name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return getFaultf(getWriteError, "write %s: it is a folder; name a file, or give --output-dir", name)
		}
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return o.fault(name, err)
		}
		o.file, o.w, o.part, o.began = file, file, "", true
		return o.heads()
	}
	o.final = name
	if real, err := filepath.EvalSymlinks(name); err == nil {
		o.final = real
	}
	o.part = o.final + partSuffix
	file, err := o.openPart(f.resume.from)
	if err != nil {
		return err
	}
	if info != nil {
		file.Chmod(info.Mode().Perm()) // as what it replaces
	}
	o.file, o.w, o.began, o.opened = file, file, true, true
	o.about = nil
	if resp.StatusCode == http.StatusOK || f.resume.from > 0 { // not a part that --range asks for
		o.about = aboutOf(f.first.String(), resp)
	}
	if o.about != nil && (resp.ContentLength < 0 || resp.ContentLength > aboutFrom) && !f.inParts {
		o.about.save(o.final + aboutSuffix)
	} else {
		os.Remove(o.final + aboutSuffix) // of another part
	}
	return o.heads()
}

// openPart opens the file that is not complete, for this process alone, and
// leaves its first bytes.
func (o *getOutput) openPart(from int64) (*os.File, error) {
	if there, err := os.Lstat(o.part); err == nil && !(there.Mode().IsRegular() && isOurs(there)) {
		return nil, getFaultf(getWriteError, "write %s: it is a link, or another user's; remove it", o.part)
	}
	file, err := os.OpenFile(o.part, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, o.fault(o.part, err)
	}
	mine := lockFile(file)
	info, err := file.Stat()
	if named, failed := os.Lstat(o.part); mine && (failed != nil || err != nil || !os.SameFile(info, named)) {
		mine = false // another process has completed it in between
	}
	switch {
	case !mine:
		file.Close()
		return nil, getFaultf(getWriteError, "write %s: another process is fetching to it", o.part)
	case info.Size() < from:
		file.Close()
		return nil, getFaultf(getBadResume, "%s has not the %d bytes that the rest was asked for", o.part, from)
	}
	if err = file.Truncate(from); err == nil {
		_, err = file.Seek(from, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, o.fault(o.part, err)
	}
	return file, nil
}

// aboutFrom is from which length on it is noted at once what a part is of, so
// that it is known even if this process is killed.
const aboutFrom = 1 << 20

// heads writes the heads that wait for the file.
func (o *getOutput) heads() error {
	head := o.pending
	o.pending = nil
	if _, err := o.w.Write(head); err != nil {
		return o.fault(o.name, err)
	}
	return nil
}

func (o *getOutput) fault(name string, err error) error {
	remedy := ""
	if dir := filepath.Dir(name); errors.Is(err, os.ErrNotExist) && !exists(dir) {
		remedy = fmt.Sprintf("; there is no folder %s: --create-dirs makes it", dir)
	}
	return getFaultf(getWriteError, "write %s: %w%s", name, cause(err), remedy)
}

// errBinary is why something is not written to a terminal.
var errBinary = errors.New("the body is binary, and could upset the terminal; give --output FILE, or --output - to have it anyway")

// write writes a part of the body.
func (o *getOutput) write(p []byte) error {
	if o.name == "" && !o.asked && !o.looked && len(p) > 0 {
		o.looked = true
		if _, _, ok := o.g.env.screen()(); ok && bytes.IndexByte(p[:min(len(p), 2000)], 0) >= 0 {
			return &getFault{getWriteError, errBinary}
		}
	}
	n, err := o.w.Write(p)
	o.written += int64(n)
	if err != nil {
		name := o.name
		if name == "" {
			name = "standard output"
		}
		return o.fault(name, err)
	}
	return nil
}

// done puts a complete file in place.
func (o *getOutput) done(f *fetch, resp *http.Response) error {
	if o.file == nil {
		return nil
	}
	file := o.file
	o.file = nil
	f.stats.file = file.Name()
	if o.part != "" {
		f.stats.file = o.final
	}
	if err := file.Close(); err != nil {
		return o.fault(o.name, err)
	}
	if o.part == "" {
		return nil
	}
	os.Remove(o.final + aboutSuffix)
	if err := os.Rename(o.part, o.final); err != nil {
		return o.fault(o.name, err)
	}
	o.part = ""
	if o.g.conf.Keep {
		if at, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
			os.Chtimes(o.final, time.Time{}, at)
		}
	}
	return nil
}

// close closes a file that is not complete. What came of it stays aside.
func (o *getOutput) close() {
	if o.file == nil {
		return
	}
	o.file.Close()
	o.file = nil
	if o.part != "" && o.about != nil {
		o.about.save(o.final + aboutSuffix)
	}
}

// discard removes a file that is not what it has to be.
func (o *getOutput) discard() {
	o.about = nil
	o.close()
	if o.part != "" && o.opened {
		os.Remove(o.part)
		os.Remove(o.final + aboutSuffix)
	}
}

// unusedName returns name, or with a number behind it if there is such a file.
func unusedName(name string) string {
	for n := 0; ; n++ {
		free := name
		if n > 0 {
			free += "." + strconv.Itoa(n)
		}
		if _, err := os.Lstat(free); errors.Is(err, os.ErrNotExist) || n == 1000 {
			return free
		}
	}
}

// nameInField returns the name that Content-Disposition says, without folders;
// "" when there is none that a file may have.
func nameInField(value string) string {
	_, params, err := mime.ParseMediaType(value)
	if err != nil {
		return ""
	}
	name := params["filename"]
	if i := strings.LastIndexAny(name, "/\\"); i >= 0 {
		name = name[i+1:]
	}
	if !safeName(name) || strings.HasPrefix(name, ".") {
		return ""
	}
	return name
}

// writeHead writes the head of an answer where --include and --dump-header
// want it.
func (f *fetch) writeHead(resp *http.Response, followed bool) error {
	show := f.conf.Heads || f.conf.Head
	if !show && f.heads == nil {
		return nil
	}
	head := appendAnswerHead(nil, resp)
	if f.heads != nil {
		if _, err := f.heads.Write(head); err != nil {
			return getFaultf(getWriteError, "write %s: %w", f.conf.HeadFile, cause(err))
		}
	}
	if !show {
		return nil
	}
	if f.out.name == "" {
		f.out.wait()
		_, err := f.env.Stdout.Write(head)
		if err != nil {
			err = f.out.fault("standard output", err)
		}
		return err
	}
	f.out.pending = append(f.out.pending, head...)
	if followed || resp.Request.Method != http.MethodHead {
		return nil
	}
	if err := f.out.begin(f, resp); err != nil {
		return err
	}
	return f.out.done(f, resp)
}

// appendAnswerHead appends the head of an answer, its fields by name.
func appendAnswerHead(dst []byte, resp *http.Response) []byte {
	proto := resp.Proto
	if resp.ProtoMajor == 2 {
		proto = "HTTP/2"
	}
	dst = fmt.Appendf(dst, "%s %s\r\n", proto, getStatusText(resp))
	return append(appendGetFields(dst, resp.Header, resp.ProtoMajor == 2), "\r\n"...)
}
