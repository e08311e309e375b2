package field

func NextElement(list string) (elem, rest string, ok bool) { return "", "", false }
func HasToken(list, token string) bool                     { return false }
func EqualFold(a, b string) bool                           { return false }
func IsToken(s string) bool                                { return false }
