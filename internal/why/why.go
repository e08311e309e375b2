// Package why holds explanations: why an answer was what it was, or would be
// what it would be, and the smallest change that would have made it a hit.
//
// Each part of the program explains itself (a cache, a folder, a proxy) by
// filling in an [Explanation]; this package turns one into text. An explanation
// is about one request. It has one cause: the first thing that decided.
//
//	e := h.Why(r)
//	os.Stdout.Write(e.AppendText(nil, 80))
//
// The package decides nothing: rules come from package rule, arithmetic from
// package freshness, and who explains shows what these said.
package why

import (
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// An Explanation says why a request is, was, or would be answered as it is.
type Explanation struct {
	ID      string         // of an answered request; "" for one that was not sent
	Time    time.Time      // when it was answered, or asked about
	Method  string         // of the request
	URL     string         // absolute
	Status  int            // 0: not known before the origin answers
	Verdict record.Verdict // what it came to, or would come to

	// Rule is the first cause. Its row has clause and remedy.
	Rule rule.ID
	// Sentence says the verdict and its cause, in one sentence with a full stop.
	Sentence string

	// Compared is what was looked at, in order: key, fields of Vary, validators,
	// ages. Arithmetic is shown: "60 s - 75 s = -15 s".
	Compared []Comparison
	// Settings are the parameters of the configuration that had a part in it.
	Settings []Setting
	// Also says what else the stored answer that this is about would answer.
	Also []string

	// Fixes are the smallest change after which the same request is a hit: all
	// of them together. None means that there is no such change, or no need.
	Fixes []Fix
	// Advice is a change that helps and that no machine could make; "" without.
	Advice string
}

// Compare adds to what was compared.
func (e *Explanation) Compare(what, value, note string, fails bool) {
	e.Compared = append(e.Compared, Comparison{What: what, Value: value, Note: note, Fails: fails})
}

// A Comparison is one thing that was looked at.
type Comparison struct {
	What  string `json:"what"`            // "key", "freshness", "Vary: Accept-Language"
	Value string `json:"value"`           // what was found
	Note  string `json:"note,omitempty"`  // what that means
	Rule  string `json:"rule,omitempty"`  // its name, where one decided this
	Fails bool   `json:"fails,omitempty"` // it is why the answer is no hit
}

// A Setting is a parameter of the configuration.
type Setting struct {
	Key   string `json:"key"`   // as in the configuration file: "profile"
	Value string `json:"value"` // in force
	Place string `json:"place"` // "freshet.toml:12", "--profile", "FRESHET_PROFILE", "default"
}

// Party is who has to change something.
type Party string

// The parties.
const (
	Request       Party = "request"       // who asks
	Origin        Party = "origin"        // what the origin sends
	Configuration Party = "configuration" // the server's operator
	Files         Party = "files"         // who puts files into the folder
)

// A Fix is a change that could be made by a machine, and is in tests.
//
//	{Origin, "set", "Cache-Control", "max-age=60"}
//	{Origin, "remove", "Set-Cookie", ""}
//	{Request, "remove", "Cache-Control", ""}
//	{Configuration, "add", "key-drop", "utm_source"}
//	{Configuration, "set", "profile", "standard"}
type Fix struct {
	Who   Party  `json:"who"`
	Do    string `json:"do"` // "set", "add" or "remove"
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}
