package worker

// What the tests see beyond what others do.
var (
	Idle          = idle // a worker that can run functions alone
	ParseProgress = parseProgress
	ParseFraction = parseFraction
	Expand        = expand
	CacheHit      = cacheHit
	ReadSitemap   = readSitemap
	RetryAfter    = retryAfter
	Shortly       = shortly
	StartStatus   = startStatus
)

// Split makes lines of pieces, with a mark behind those that go on.
func Split(pieces ...[]byte) (lines []string) {
	s := splitter{line: func(text []byte, part bool) {
		if part {
			text = append(text, "…"...)
		}
		lines = append(lines, string(text))
	}}
	for _, p := range pieces {
		s.Write(p)
	}
	s.Close()
	return lines
}
