package field

func BestType(accept string, offers ...string) int { return -1 }
