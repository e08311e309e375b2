package wiretest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/wiretest"
	"freshet/static"
)

func TestMain(m *testing.M) { wiretest.Main(m) }

func TestScripts(t *testing.T) { wiretest.Run(t, "testdata/*.txtar", start) }

// setup is what the settings of a script change.
type setup struct {
	server  *httpd.Server
	static  static.Options
	handler http.Handler // instead of the folder
}

// settings are the keys of a script's "server" line. Those that switch
// something on have no value.
var settings = map[string]func(s *setup, value string) error{
	"name":           func(s *setup, v string) error { s.server.ServerName = v; return nil },
	"http09":         func(s *setup, v string) error { s.server.AllowHTTP09 = true; return nil },
	"max-head":       func(s *setup, v string) error { return number(&s.server.MaxHeaderBytes, v) },
	"max-target":     func(s *setup, v string) error { return number(&s.server.MaxTargetBytes, v) },
	"max-fields":     func(s *setup, v string) error { return number(&s.server.MaxFields, v) },
	"max-body":       func(s *setup, v string) error { return number(&s.server.MaxBodyBytes, v) },
	"max-requests":   func(s *setup, v string) error { return number(&s.server.MaxRequestsPerConn, v) },
	"max-conns":      func(s *setup, v string) error { return number(&s.server.MaxConns, v) },
	"max-per-client": func(s *setup, v string) error { return number(&s.server.MaxConnsPerClient, v) },
	"head-timeout":   func(s *setup, v string) error { return duration(&s.server.ReadHeaderTimeout, v) },
	"idle-timeout":   func(s *setup, v string) error { return duration(&s.server.IdleTimeout, v) },
	"body-timeout":   func(s *setup, v string) error { return duration(&s.server.BodyTimeout, v) },
	"lenient": func(s *setup, v string) error {
		s.server.LenientLF, s.server.LenientFold = strings.Contains(v, "lf"), strings.Contains(v, "fold")
		return nil
	},
	"handler": func(s *setup, v string) error {
		if h, ok := handlers[v]; ok {
			s.handler = h
			return nil
		}
		return errors.New("there is no such handler")
	},
	"hidden":          func(s *setup, v string) error { s.static.Hidden = true; return nil },
	"clean-urls":      func(s *setup, v string) error { s.static.CleanURLs = true; return nil },
	"follow-symlinks": func(s *setup, v string) error { s.static.FollowSymlinks = true; return nil },
	"max-in-memory":   func(s *setup, v string) error { return number(&s.static.MaxInMemory, v) },
	"spa":             func(s *setup, v string) error { s.static.SPA = v; return nil },
	"coherence":       func(s *setup, v string) error { return duration(&s.static.Coherence, v) },
	"listing": func(s *setup, v string) error {
		s.static.Listing = map[string]static.Listing{"on": static.ListingOn, "off": static.ListingOff}[v]
		return nil
	},
	"cache": func(s *setup, v string) error {
		if v == "auto" {
			s.static.Cache = static.Auto
			return nil
		}
		return duration((*time.Duration)(&s.static.Cache), v)
	},
	"mime": func(s *setup, v string) error {
		extension, kind, _ := strings.Cut(v, "=")
		s.static.MIME = map[string]string{extension: kind}
		return nil
	},
}

func number[T int | int64](p *T, value string) error {
	n, err := strconv.Atoi(value)
	*p = T(n)
	return err
}

func duration(p *time.Duration, value string) (err error) {
	*p, err = time.ParseDuration(value)
	return err
}

// start starts the product as "freshet serve" would put it together, with the
// settings of a script.
func start(t testing.TB, dir string, wanted map[string]string, way wiretest.Way) wiretest.Server {
	t.Helper()
	s := &setup{
		server: newServer(t),
		static: static.Options{Root: dir, ErrorLog: slog.New(slog.NewTextHandler(t.Output(), nil))},
	}
	for key, value := range wanted {
		set, known := settings[key]
		if !known {
			t.Fatalf("unknown setting %s", key)
		}
		if err := set(s, value); err != nil {
			t.Fatalf("setting %s=%s: %v", key, value, err)
		}
	}
	s.server.Handler = s.handler
	if s.handler == nil {
		files := openStatic(t, s.static)
		s.server.Handler = files
		if way != wiretest.Cold {
			s.server.Hot = files
		}
	}
	return serve(t, s.server, way)
}

// newServer returns a server that says what it does to a Recorder.
func newServer(t testing.TB) *httpd.Server {
	return &httpd.Server{Sink: wiretest.NewRecorder(), ErrorLog: log.New(t.Output(), "", 0), SweepEvery: 10 * time.Millisecond}
}

// serve starts a server of newServer on a port of its own. What is to be closed
// with it is closed after it.
func serve(t testing.TB, server *httpd.Server, way wiretest.Way, closing ...func()) wiretest.Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	dial := func() (net.Conn, error) { return net.Dial("tcp", listener.Addr().String()) }
	if way == wiretest.Secure {
		certFile, keyFile := keyPair(t).Write(t, t.TempDir())
		go func() { ended <- server.ServeTLS(listener, certFile, keyFile) }()
		dial = func() (net.Conn, error) {
			return tls.Dial("tcp", listener.Addr().String(), &tls.Config{RootCAs: keyPair(t).Roots(), NextProtos: []string{"http/1.1"}})
		}
	} else {
		go func() { ended <- server.Serve(listener) }()
	}
	return wiretest.Server{
		Dial: dial, Records: server.Sink.(*wiretest.Recorder),
		Stop: func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				t.Errorf("shutdown: %v", err)
			}
			if err := <-ended; err != httpd.ErrServerClosed {
				t.Errorf("serve: %v", err)
			}
			for _, c := range closing {
				c()
			}
		},
	}
}
