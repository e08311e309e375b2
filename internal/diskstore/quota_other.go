//go:build !unix && !windows

package diskstore

func isQuota(error) bool { return false }
