package httpd_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"freshet/httpd"
	"freshet/internal/rule"
)

func TestBodyRule(t *testing.T) {
	for want, errs := range map[rule.ID][]error{
		rule.BodyTooLarge:   {&http.MaxBytesError{Limit: 1}},
		rule.BodyTimeout:    {os.ErrDeadlineExceeded},
		rule.BodyIncomplete: {io.ErrUnexpectedEOF, io.ErrClosedPipe},
	} {
		for _, err := range errs {
			if got := httpd.BodyRule(fmt.Errorf("read the body: %w", err)); got != want {
				t.Errorf("%v: %v, want %v", err, got, want)
			}
		}
	}
}
