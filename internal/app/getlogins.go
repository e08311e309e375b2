package app

// getLogins are those of a file.
type getLogins struct{}

func (g *getting) openLogins() error { g.logins = &getLogins{}; return nil }

func (l *getLogins) find(host string) (user, password string, ok bool) { return "", "", false }
