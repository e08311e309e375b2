package check

// conditionalNotes are about validators, preconditions and ranges (RFC 9110 §13
// and §14).
var conditionalNotes = []Note{}
