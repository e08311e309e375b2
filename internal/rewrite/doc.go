// Package rewrite puts one style sheet into HTML documents as they pass.
//
//	sheet, err := rewrite.NewSheet("#advert{display:none!important}")
//	v := rewrite.May(status, header, request)
//	if v.OK {
//		v.Apply(header, version)
//		rewrite.AllowSheet(header, sheet)
//		result, err := rewrite.HTML(w, decoded, rewrite.Edit{Sheet: sheet, Charset: v.Charset})
//	}
//
// [HTML] reads from a reader, [Splicer] is written to. [May] says beforehand, by
// status and fields alone, whether a document may be changed and what has to
// become of its fields; whether something was put in is known when the head of
// the document has been seen. Content codings are undone by the caller; [Bound]
// ends what decodes to far more than was sent.
//
// It is no general rewriter: it removes nothing, changes nothing, and looks at
// no more of a document than it must to find one place, as early as possible:
// behind <head>, or behind the declaration of the charset where the document
// has the only one, and before anything that is not of a head. XHTML is left
// alone, for there one wrong byte is the end of the page.
//
// Invariants: what comes out, without what was put in, is what went in, byte for
// byte, however it came in pieces. At most [Edit.Max] bytes are held. A document
// that is not understood that far passes untouched, and [Result] says why.
// What is put in is ASCII, cannot end early, and has no effect on what browsers
// find out about the charset.
package rewrite
