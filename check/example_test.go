package check_test

import (
	"fmt"
	"net/http"

	"freshet/check"
)

func ExamplePassive() {
	x := &check.Exchange{
		URL: "https://example.com/", Proto: "HTTP/1.1", Status: 200, BodySize: -1,
		Header: http.Header{
			"Date":          {"Thu, 01 Oct 2026 12:00:00 GMT"},
			"Cache-Control": {"no-store, max-age=3600"},
			"Etag":          {"abc"},
		},
	}
	for _, f := range check.Passive(x) {
		fmt.Printf("%v: %s\n\t%s: %s\n\tfix: %s (%s)\n", f.Note.Severity, f.Note.Sentence, f.Where, f.Detail, f.Note.Remedy, f.Note.Clause)
	}
	// Output:
	// bad: the entity-tag has no quotes, so caches that follow the grammar have nothing to validate by
	// 	ETag of the answer: abc
	// 	fix: write the quotes: ETag: "abc" (RFC 9110 §8.8.3)
	// warn: no-store forbids what another directive is there to allow
	// 	Cache-Control of the answer: max-age=3600
	// 	fix: send no-store alone, or leave it out (RFC 9111 §5.2.2.5)
}

func ExampleVerdictOf() {
	x := &check.Exchange{
		URL: "https://example.com/", Status: 200,
		Header: http.Header{
			"Date":          {"Thu, 01 Oct 2026 12:00:00 GMT"},
			"Cache-Control": {"private, max-age=3600"},
			"Etag":          {`"abc"`},
		},
	}
	fmt.Println(check.VerdictOf(x))
	// Output:
	// browser: fresh for 1 h, then asks with If-None-Match
	// shared caches: not stored: the answer is private, and this cache is shared (RFC 9111 §5.2.2.7)
}
