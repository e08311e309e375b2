package static

import (
	"io/fs"
	"net/http"
	"path"
	"strings"

	"freshet/conditional"
	"freshet/internal/field"
	"freshet/internal/representation"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// validators tells each precondition, and what it was compared with.
func (x *explaining) validators(q *conditional.Request, v *representation.Variant, e *entry) {
	tag := v.Tag
	if tag == "" {
		tag = "no entity-tag yet: the file is not hashed"
	}
	modified := "no Last-Modified that could be believed"
	if e.meta.Modified != 0 {
		modified = string(field.AppendDate(nil, e.meta.Modified))
	}
	for _, f := range []struct{ name, value, current string }{
		{"If-Match", q.IfMatch, tag},
		{"If-Unmodified-Since", q.IfUnmodifiedSince, modified},
		{"If-None-Match", q.IfNoneMatch, tag},
		{"If-Modified-Since", q.IfModifiedSince, modified},
		{"If-Range", q.IfRange, tag},
	} {
		if f.value != "" {
			x.e.Compare(f.name, f.value, "now: "+f.current, false)
		}
	}
	if q.Range != "" {
		x.e.Compare("Range", q.Range, "of "+why.Count(v.Size, "byte"), false)
	}
}

// refused is for what is answered with an error page.
func (x *explaining) refused(id rule.ID, err error) {
	row := rule.Of(id)
	x.e.Status, x.e.Rule = row.Status, id
	x.say("It is refused with %d: %s.", row.Status, row.Sentence)
	if err != nil && id == rule.StaticIOError {
		x.e.Compare("the file system says", err.Error(), "", true)
	}
	x.e.Fixes = x.fixes(id)
}

// fixes is the smallest change after which the file is sent.
func (x *explaining) fixes(id rule.ID) []why.Fix {
	one := func(who why.Party, do, name, value string) []why.Fix {
		return []why.Fix{{Who: who, Do: do, Name: name, Value: value}}
	}
	switch id {
	case rule.StaticNotFound:
		if near := x.spelled(); near != "" {
			x.e.Compare("spelling", near, "there is this file; letter case counts", true)
			return one(why.Request, "set", why.URL, "./"+escapeSegment(near))
		}
		return one(why.Files, "add", keyName(x.name, x.dir, x.h.opt.Index[0]), "")
	case rule.StaticListingOff:
		return one(why.Files, "add", keyName(x.name, true, x.h.opt.Index[0]), "")
	case rule.StaticHidden:
		if original, ok := x.h.originalOf(x.name); ok && !hiddenPath(x.name) {
			x.e.Compare("file", original, "the path is a coding of this file, and served as such", true)
			return one(why.Request, "set", why.URL, "./"+escapeSegment(path.Base(original)))
		}
		x.setting("hidden", "off")
		return one(why.Configuration, "set", "hidden", "on")
	case rule.StaticOutside:
		if x.name == "" {
			return nil // the path says so itself
		}
		x.setting("follow-symlinks", "off")
		return one(why.Configuration, "set", "follow-symlinks", "on")
	case rule.StaticSpecialFile:
		return one(why.Files, "set", x.name, why.Plain)
	case rule.StaticUnreadable:
		return one(why.Files, "set", x.name, why.Readable)
	case rule.StaticMethodNotAllowed, rule.StaticMethodUnknown:
		return one(why.Request, "set", why.Method, http.MethodGet)
	case rule.NotAcceptable:
		return one(why.Request, "remove", "Accept-Encoding", "")
	case rule.MatchFailed:
		return one(why.Request, "remove", "If-Match", "")
	case rule.UnmodifiedFailed:
		return one(why.Request, "remove", "If-Unmodified-Since", "")
	case rule.RangeUnsatisfiable:
		return one(why.Request, "remove", "Range", "")
	}
	return nil
}

// keyName is the file that would answer for a path.
func keyName(name string, dir bool, index string) string {
	if dir {
		return path.Join(name, index)
	}
	return name
}

// maxSpelled bounds how many names of a folder are looked at for one that
// differs in letter case only.
const maxSpelled = 4096

// spelled returns a name beside the one asked for that differs from it in
// letter case only; "" when there is none.
func (x *explaining) spelled() string {
	if x.dir || x.name == "" {
		return ""
	}
	parent, base := path.Split(x.name)
	f, err := x.h.open(strings.TrimSuffix(parent, "/"))
	if err != nil {
		return ""
	}
	defer f.Close()
	d, ok := f.File.(fs.ReadDirFile)
	if !ok || !f.dir {
		return ""
	}
	names, _ := d.ReadDir(maxSpelled) // of a folder that cannot be read: none
	for _, de := range names {
		if n := de.Name(); de.Type().IsRegular() && strings.EqualFold(n, base) && (x.h.opt.Hidden || !hiddenName(n, parent == "")) {
			return n
		}
	}
	return ""
}
