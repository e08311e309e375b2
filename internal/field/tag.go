package field

func NextTag(list string) (tag string, weak bool, rest string, ok bool) { return "", false, "", false }
func ValidTag(s string) bool                                            { return false }
