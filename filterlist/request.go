package filterlist

// Type is what a request is for.
type Type uint8

// The types of requests. Other, the zero value, is what is none of the others or
// not known.
const (
	Other Type = iota
	Document
	Subdocument
	Script
	Image
	Stylesheet
	Font
	Media
	Object
	XHR
	WebSocket
	Ping
	numTypes
)

var typeNames = [numTypes]string{"other", "document", "subdocument", "script", "image", "stylesheet", "font", "media", "object", "xmlhttprequest", "websocket", "ping"}

// String returns the type's name in the language of lists, such as "script".
func (t Type) String() string {
	if t < numTypes {
		return typeNames[t]
	}
	return typeNames[Other]
}

// ParseType returns the type that a name or an alias of it means in the language
// of lists ("xhr", "css", "frame").
func ParseType(name string) (Type, bool) {
	o, ok := options[name]
	if !ok || o.kind != optType {
		return Other, false
	}
	return o.typ, true
}

// types is a set of types, a bit for each.
type types uint16

const (
	allTypes     types = 1<<numTypes - 1
	defaultTypes       = allTypes &^ (1 << Document)
	frameTypes   types = 1<<Document | 1<<Subdocument
	paramTypes         = frameTypes | 1<<XHR
)

func (t Type) bit() types {
	if t >= numTypes {
		return 1 << Other
	}
	return 1 << t
}

// Request is what a verdict is wanted on.
type Request struct {
	// URL is absolute and in ASCII. A fragment, the user and the dot that may
	// end a host do not count.
	URL string
	// Page is the URL or the host of the document that the request is for, ""
	// when it is not known: rules that ask whose page it is do not match then. The
	// page of a Document is the document itself.
	Page string
	Type Type
	// Method is the request's method; "" means GET.
	Method string
}

// Action is what becomes of a request.
type Action uint8

// The actions. Pass, the zero value: no rule blocks. Allow: a rule blocks, and
// an exception overrides it.
const (
	Pass Action = iota
	Allow
	Block
	Redirect
)

// String returns "pass", "allow", "block" or "redirect".
func (a Action) String() string {
	switch a {
	case Allow:
		return "allow"
	case Block:
		return "block"
	case Redirect:
		return "redirect"
	}
	return "pass"
}

// Rule is a line of a list. Its zero value, with Line 0, is no rule.
type Rule struct {
	List string // the name of its source
	Line int    // from 1
	Text string // without the space around it
}

// Verdict is what becomes of a request, and why.
type Verdict struct {
	Action Action
	// Rule decided: what blocks, or the exception that allows.
	Rule Rule
	// Overrode is the blocking rule that Rule, an exception, overrode.
	Overrode Rule
	// Redirect names the stand-in that is to answer (Action Redirect), by its
	// main name where it has several; RedirectRule asked for it. Who does not have
	// that stand-in blocks.
	Redirect     string
	RedirectRule Rule
	// URL is the request's without the parameters that Removed removes; "" when
	// there is nothing to change. It is set for Pass and Allow only, as are the
	// policies.
	URL     string
	Removed []Rule
	// CSP are values for Content-Security-Policy fields, one field each, and
	// Permissions for Permissions-Policy, to be added to the answer.
	CSP         []Policy
	Permissions []Policy
}

// Policy is a value of a field, and the rule that wants it.
type Policy struct {
	Value string
	Rule  Rule
}
