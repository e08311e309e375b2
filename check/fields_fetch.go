package check

// fetchFields are further fields that browsers send or follow, most of them
// young.
var fetchFields = []fieldRow{
	{"Accept-CH-Lifetime", inAnswer, gFreeText, "Client Hints Infrastructure", obsolete, "browsers keep Accept-CH until they are told otherwise; leave it out"},
	{"Access-Control-Allow-Local-Network", inAnswer, gFreeText, "Local Network Access", vendor, ""},
	{"Attribution-Reporting-Eligible", inAsk, gSFDicts, "Attribution Reporting", 0, ""},
	{"Document-Isolation-Policy", inAnswer, gSFItems, "Document Isolation Policy", 0, ""},
	{"Document-Isolation-Policy-Report-Only", inAnswer, gSFItems, "Document Isolation Policy", 0, ""},
	{"Include-Referred-Token-Binding-ID", inAnswer, gFreeText, "RFC 8473 §5.1", 0, ""},
	{"Origin-Isolation", inAnswer, gFreeText, "HTML", obsolete, "send Origin-Agent-Cluster"},
	{"Origin-Trial", inAnswer, gFreeLines, "Origin Trials", 0, ""},
	{"Ping-From", inAsk, gReference, "HTML", 0, ""},
	{"Ping-To", inAsk, gReference, "HTML", 0, ""},
	{"RateLimit-Limit", inAnswer, gFreeText, "draft-ietf-httpapi-ratelimit-headers", vendor, ""},
	{"RateLimit-Remaining", inAnswer, gFreeText, "draft-ietf-httpapi-ratelimit-headers", vendor, ""},
	{"RateLimit-Reset", inAnswer, gFreeText, "draft-ietf-httpapi-ratelimit-headers", vendor, ""},
	{"Require-Document-Policy", inAnswer, gSFDicts, "Document Policy", 0, ""},
	{"Sec-Browsing-Topics", inAsk, gSFLists, "Topics API", 0, ""},
	{"Sec-CH-Device-Memory", inAsk, gSFItems, "Device Memory", 0, ""},
	{"Sec-CH-Forced-Colors", inAsk, gFreeText, "User Preference Media Features Client Hints", 0, ""},
	{"Sec-CH-Prefers-Contrast", inAsk, gFreeText, "User Preference Media Features Client Hints", 0, ""},
	{"Sec-CH-Prefers-Reduced-Data", inAsk, gFreeText, "User Preference Media Features Client Hints", 0, ""},
	{"Sec-CH-Prefers-Reduced-Transparency", inAsk, gFreeText, "User Preference Media Features Client Hints", 0, ""},
	{"Sec-CH-UA-Full-Version", inAsk, gSFItems, "UA Client Hints", obsolete, "use Sec-CH-UA-Full-Version-List"},
	{"Sec-CH-Viewport-Height", inAsk, gSFItems, "Responsive Image Client Hints", 0, ""},
	{"Sec-Fetch-Storage-Access", inAsk, gSFItems, "Storage Access Headers", 0, ""},
	{"Sec-Speculation-Tags", inAsk, gSFLists, "Speculation Rules", 0, ""},
	{"Sec-Token-Binding", inAsk, gFreeText, "RFC 8473 §2", 0, ""},
	{"Want-Unencoded-Digest", inBoth, gSFDicts, "draft-ietf-httpbis-unencoded-digest", 0, ""},
}
