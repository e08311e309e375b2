package check

import "slices"

// securityNotes are about the fields by which a site protects its visitors, and
// about the others that browsers follow when they fetch.
var securityNotes = slices.Concat(cspNotes, framingNotes, hstsNotes, isolationNotes, reportingNotes, permissionNotes,
	hintNotes, digestNotes, linkNotes, altSvcNotes, signatureNotes, dictionaryNotes, serviceNotes)
