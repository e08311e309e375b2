package check

// fieldNotes hold for every field of the table.
var fieldNotes = []Note{}
