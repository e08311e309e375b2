//go:build !unix

package acme_test

func changeDNS(string) int { return 1 }
