package check

// securityNotes are about the fields by which a site protects its visitors.
var securityNotes = []Note{}
