package socketserver

// Sweeping reports whether deadlines are looked at.
func (s *Server) Sweeping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sweeping
}
