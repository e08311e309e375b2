package check

// cookieNotes are about cookies (RFC 6265bis).
var cookieNotes = []Note{}
