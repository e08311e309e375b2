package cache

import (
	"mime"
	"path"
	"strings"

	"freshet/freshness"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// Profile is how much of what RFC 9111 allows is done.
type Profile uint8

const (
	// Safe is the default: RFC 9111 less what [Differences] lists, each of which
	// protects the users of an origin that says less than it means.
	Safe Profile = iota
	// Standard is everything that RFC 9111 allows.
	Standard
)

// String returns the profile's name, as configurations have it.
func (p Profile) String() string {
	if p == Standard {
		return "standard"
	}
	return "safe"
}

// A Difference is one line of what sets the profiles apart.
type Difference struct {
	Name     string // of the rule, as logs have it
	Safe     string // what the safe profile does
	Standard string // what the standard profile does
	Reason   string
}

// candidate is an answer that RFC 9111 allows to be stored.
type candidate struct {
	ask    *freshness.Request
	path   string
	status int
	fields freshness.Fields
	st     *freshness.Storing
}

// shared reports whether the origin has said that anybody may have the answer.
func (c *candidate) shared() bool {
	return c.st.Public || c.st.Terms.From == rule.FreshBySMaxAge || c.st.Terms.From == rule.FreshByTarget
}

// The difference between the profiles is this table, and nothing else.
var differences = [...]struct {
	Difference
	id rule.ID
	// request and answer report whether the safe profile keeps off; nil: never.
	request func(freshness.Fields) bool
	answer  func(*candidate) bool
}{
	{Difference{Safe: "not stored", Standard: "stored, when freshness is explicit",
		Reason: "a session cookie given to one visitor would be handed to all"},
		rule.CacheSetCookie, nil, func(c *candidate) bool { return c.st.SetCookie }},
	{Difference{Safe: "stored when the origin says public or s-maxage", Standard: "stored with must-revalidate too",
		Reason: "must-revalidate is written for freshness, seldom in order to share"},
		rule.CacheAuthorized, nil, func(c *candidate) bool { return c.st.Authorized && !c.shared() }},
	{Difference{Safe: "stored when the origin says public or s-maxage", Standard: "stored",
		Reason: "origins make pages for the cookie's owner and forget to say private"},
		rule.CacheCookied, nil, func(c *candidate) bool { return c.st.Cookied && !c.shared() }},
	{Difference{Safe: "not stored when the extension (.css, .js, .png …) and Content-Type disagree", Standard: "stored",
		Reason: "an address such as /account/x.css can make an origin answer with the account (web cache deception)"},
		rule.CacheTypeMismatch, nil, func(c *candidate) bool { return disagree(c.path, first(c.fields["Content-Type"])) }},
	{Difference{Safe: "4xx and 5xx other than 404 and 410 are not stored", Standard: "stored, when freshness is explicit",
		Reason: "one odd request (an oversized field, a bad method) would deny the page to all (cache-poisoned denial of service)"},
		rule.CacheErrorStatus, nil, func(c *candidate) bool { return c.status >= 400 && c.status != 404 && c.status != 410 }},
	{Difference{Safe: "requests with X-HTTP-Method-Override and its like, X-Original-URL, X-Rewrite-URL or X-Host go past the cache", Standard: "such fields mean nothing",
		Reason: "the origin may answer for another method or address than the key's"},
		rule.CacheMethodOverride, overrides, nil},
}

// Differences returns what the safe profile does otherwise than the standard
// one, in words.
func Differences() []Difference {
	out := make([]Difference, len(differences))
	for i, d := range differences {
		out[i] = d.Difference
		out[i].Name = rule.Of(d.id).Name
	}
	return out
}

// bypasses says why a request goes past the cache; 0 when it does not.
func (p Profile) bypasses(request freshness.Fields) rule.ID {
	if p == Safe {
		for i := range differences {
			if d := &differences[i]; d.request != nil && d.request(request) {
				return d.id
			}
		}
	}
	return 0
}

// refuses says why an answer is not stored; 0 when it is.
func (p Profile) refuses(c *candidate) rule.ID {
	if p == Safe {
		for i := range differences {
			if d := &differences[i]; d.answer != nil && d.answer(c) {
				return d.id
			}
		}
	}
	return 0
}

// overriding are the fields by which frameworks let a request be another one.
// X-Forwarded-Host and its like are not here: a proxy drops or makes them.
var overriding = [...]string{
	"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url", "x-host", "x-http-host-override",
}

func overrides(request freshness.Fields) bool {
	for name := range request {
		if isOverriding(name) {
			return true
		}
	}
	return false
}

// isOverriding reports whether a field is one of these. An underscore counts as
// a hyphen: an origin that is told of fields as by CGI cannot tell them apart.
func isOverriding(name string) bool {
	if name == "" || name[0]|0x20 != 'x' {
		return false
	}
	for _, o := range overriding {
		if wire.LikeName(name, o) {
			return true
		}
	}
	return false
}

// staticTypes says what files with an extension are, as the beginning of a
// media type.
var staticTypes = map[string][]string{
	".css": {"text/css"}, ".js": {"text/javascript", "application/javascript", "application/x-javascript"},
	".mjs": {"text/javascript", "application/javascript"}, ".map": {"application/json", "application/octet-stream", "text/plain"},
	".png": {"image/"}, ".jpg": {"image/"}, ".jpeg": {"image/"}, ".gif": {"image/"}, ".webp": {"image/"}, ".avif": {"image/"},
	".svg": {"image/"}, ".ico": {"image/"}, ".bmp": {"image/"}, ".tif": {"image/"}, ".tiff": {"image/"},
	".woff": {"font/", "application/font", "application/x-font", "application/octet-stream"}, ".woff2": {"font/", "application/font", "application/octet-stream"},
	".ttf": {"font/", "application/"}, ".otf": {"font/", "application/"}, ".eot": {"application/", "font/"},
	".mp3": {"audio/"}, ".ogg": {"audio/", "video/", "application/ogg"}, ".wav": {"audio/"}, ".flac": {"audio/"},
	".mp4": {"video/", "audio/"}, ".webm": {"video/", "audio/"}, ".avi": {"video/"}, ".mkv": {"video/"},
	".pdf": {"application/pdf", "application/octet-stream"}, ".zip": {"application/"}, ".gz": {"application/"}, ".7z": {"application/"},
	".tar": {"application/"}, ".bz2": {"application/"}, ".zst": {"application/"}, ".exe": {"application/"}, ".dmg": {"application/"},
	".apk": {"application/"}, ".iso": {"application/"}, ".jar": {"application/"}, ".swf": {"application/"}, ".csv": {"text/", "application/"},
	".doc": {"application/"}, ".docx": {"application/"}, ".xls": {"application/"}, ".xlsx": {"application/"}, ".ppt": {"application/"}, ".pptx": {"application/"},
}

// disagree reports whether the extension in an address stands for another type
// than the answer has. Whatever follows a ";" or an encoded delimiter in the
// last segment is looked at as an origin might: it is a part of the name.
func disagree(p, contentType string) bool {
	want, static := staticTypes[strings.ToLower(path.Ext(p))]
	if !static {
		return false
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return true
	}
	for _, w := range want {
		if strings.HasPrefix(media, w) {
			// application/json and application/xhtml+xml are pages and data, not files.
			return w == "application/" && (media == "application/json" || strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "+json"))
		}
	}
	return true
}
