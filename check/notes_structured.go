package check

// structuredNotes are about structured fields (RFC 9651).
var structuredNotes = []Note{}
