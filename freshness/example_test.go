package freshness_test

import (
	"fmt"
	"net/http"
	"time"

	"freshet/freshness"
)

func Example() {
	received := time.Date(2026, 11, 6, 21, 20, 0, 0, time.UTC).UnixNano()
	answer := http.Header{}
	answer.Set("Cache-Control", "max-age=60, stale-while-revalidate=30")
	answer.Set("ETag", `"v1"`)

	var c freshness.Cache // a shared cache
	s := c.Store(
		&freshness.Request{Method: "GET", URL: "https://example.com/"},
		&freshness.Response{Status: 200, Fields: answer, Requested: received, Received: received},
	)
	fmt.Println(s.Store, s.Rule.Explain())

	verdicts := [...]string{"use", "use stale", "use and revalidate", "validate"}
	d := freshness.NoDirectives()
	for _, age := range []time.Duration{30 * time.Second, 80 * time.Second, 2 * time.Minute} {
		reuse := c.Reuse(&s.Terms, &d, received+int64(age))
		fmt.Printf("after %v: %s (%s)\n", age, verdicts[reuse.Verdict], reuse.Rule)
	}
	// Output:
	// true max-age of Cache-Control says how long the answer is fresh (RFC 9111 §5.2.2.1)
	// after 30s: use (reuse-fresh)
	// after 1m20s: use and revalidate (reuse-while-revalidate)
	// after 2m0s: validate (reuse-stale)
}

func ExampleCache_Store() {
	var c freshness.Cache
	s := c.Store(
		&freshness.Request{Method: "GET", URL: "https://example.com/", Fields: http.Header{"Authorization": {"Basic eDp5"}}},
		&freshness.Response{Status: 200, Fields: http.Header{"Cache-Control": {"max-age=60"}}},
	)
	fmt.Println(s.Store, s.Rule)
	fmt.Println(s.Rule.Explain())
	// Output:
	// false not-stored-authorized
	// the request has Authorization, and the answer does not say that it may be shared (RFC 9111 §3.5): send public, s-maxage or must-revalidate with the answer
}

func ExampleAppendSelecting() {
	a := freshness.AppendSelecting(nil, "Accept-Language", []string{"en, de;q=0.50"})
	b := freshness.AppendSelecting(nil, "Accept-Language", []string{"DE;q=0.5", "EN"})
	fmt.Println(string(a) == string(b))
	// Output: true
}

func ExampleSetValidators() {
	request := http.Header{"If-None-Match": {`"of the client"`}}
	freshness.SetValidators(request, []freshness.Fields{{"Etag": {`"a"`}}, {"Etag": {`W/"b"`}}})
	fmt.Println(request.Get("If-None-Match"))
	// Output: "a", W/"b"
}

func ExampleInvalidates() {
	q := &freshness.Request{Method: "POST", URL: "https://example.com/list"}
	fmt.Println(freshness.Invalidates(q, 201, http.Header{"Location": {"/list/5"}}))
	// Output: [https://example.com/list https://example.com/list/5]
}

func ExampleNoVarySearch() {
	n := freshness.ParseNoVarySearch([]string{`params=("utm_source"), key-order`})
	fmt.Println(string(n.AppendKey(nil, "b=2&utm_source=mail&a=1")))
	fmt.Println(string(n.AppendKey(nil, "a=%31&b=2")))
	// Output:
	// a=1&b=2
	// a=1&b=2
}
