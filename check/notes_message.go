package check

// messageNotes are about the message as a whole: its framing, its status and
// method, and the fields that go with those (RFC 9110, RFC 9112).
var messageNotes = []Note{}
