package field

func ParseDate(s string) (unix int64, ok bool)              { return 0, false }
func ParseDateAt(s string, now int64) (unix int64, ok bool) { return 0, false }
func AppendDate(dst []byte, unix int64) []byte              { return dst }
