package check

// contentNotes are about representations: types, codings, languages, and how one
// of them is chosen (RFC 9110 §8 and §12).
var contentNotes = []Note{}
