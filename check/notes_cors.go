package check

// corsNotes are about the fields of the Fetch standard.
var corsNotes = []Note{}
