package cgi

import (
	"strings"
	"testing"
)

// TestBadBeginning: what is wrong with a script that the system will not start.
func TestBadBeginning(t *testing.T) {
	exists := func(file string) bool { return file == "/bin/sh" || file == "/usr/bin/env" || file == "/usr/bin/perl" }
	for _, c := range []struct{ begins, want string }{
		{"", "is empty"},
		{"#!/bin/sh\necho\n", ""},
		{"#! /bin/sh -e\n", ""},
		{"#!/bin/sh", ""},
		{"#!/usr/bin/env python3\n", ""},
		{"#!/bin/sh\r\necho\r\n", `would be "/bin/sh\r": save it with LF`},
		{"#!/usr/bin/env python3\r\n", `would be "python3\r"`},
		{"#!/usr/bin/perl -w\r\n", ""}, // perl forgives it
		{"#!/usr/bin/python9\n", "/usr/bin/python9, which does not exist"},
		{"#!python3\n", `"python3", which is not an absolute path`},
		{"#!\necho\n", "names no interpreter"},
		{"\xef\xbb\xbf#!/bin/sh\n", "byte order mark"},
		{"echo hello\n", "does not begin with #!"},
		{"<html>", "does not begin with #!"},
		{"\x7fELF\x02\x01\x01\x00\x00", ""},
		{"#!/" + strings.Repeat("a", firstLine-3), ""}, // who knows how it goes on
	} {
		got := badBeginning([]byte(c.begins), exists)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.begins, got, c.want)
		}
	}
}
