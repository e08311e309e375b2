package check

// verdictLines says how browsers and shared caches treat an answer.
func verdictLines(x *Exchange) []string {
	v := VerdictOf(x)
	return []string{v.Browser.String(), v.Shared.String()}
}
