package rewrite

// A Reason says why a document is, or was, left as it is.
type Reason string

// The reasons that the fields of an answer give; see [May].
const (
	BadStatus      Reason = "status"           // another status than 200
	BadMethod      Reason = "method"           // another method than GET, HEAD and POST
	NotADocument   Reason = "not-a-document"   // asked for by a script, not for a window or frame
	NotHTMLType    Reason = "content-type"     // another type than text/html, or more than one
	XHTML          Reason = "xhtml"            // application/xhtml+xml
	BadCharset     Reason = "charset"          // a charset whose tags cannot be found by their bytes
	BadCoding      Reason = "content-encoding" // codings that cannot be undone
	NoTransform    Reason = "no-transform"     // the server, or the client, forbids it
	Partial        Reason = "content-range"    // a part of a document
	Download       Reason = "download"         // it is to be saved, not shown
	Signed         Reason = "signed"           // a signature covers its fields or its body
	NothingInIt    Reason = "empty"            // a length of zero
	NoHTMLInIt     Reason = "not-html"         // text, JSON or XML that is called HTML
	UnknownCharset Reason = "unknown-charset"  // neither field, byte order mark nor meta says it
	LateCharset    Reason = "late-charset"     // it would no longer be found where browsers look for it
	TooLong        Reason = "too-long"         // a tag or comment that is longer than what is held
	MetaPolicy     Reason = "meta-policy"      // a policy in the document forbids style sheets, and comes first
	CutOff         Reason = "cut-off"          // it was, before the place was found
	NoContent      Reason = "no-content"       // it ends before anything that could be shown
)

// A Result says what became of a document.
type Result struct {
	Inserted bool
	Reason   Reason // why not; "" when Inserted
	At       int64  // where it was put, as an offset into what went in
	Bytes    int    // that were put in
}
