//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// alone skips a test of several servers under the race detector: nats-server 2.15.2
// has races of its own where it keeps copies (batchStagedDiff.commit writes what
// applyStreamMsgOp reads), now and then. What is ours is the same with one server.
func alone(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("servers that keep copies have races of their own")
	}
}

// beside runs a test that waits most of its time, for disks and for who leads,
// beside others; not one that starts programs, which hold the locks of folders until
// they are what they are to be. Under the race detector it is alone, for the races
// said above.
func beside(t *testing.T) {
	t.Helper()
	if !raceEnabled {
		t.Parallel()
	}
}

// cluster starts three servers that are one. What they are called leads to them.
func cluster(t *testing.T) (servers map[string]*server.Server, urls []string) {
	t.Helper()
	alone(t)
	if runtime.GOOS != "linux" {
		t.Skip("it needs an address of its own, so that nobody takes its ports while they are not open")
	}
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.N(250), 1+rand.N(250), 1+rand.N(250))
	var ports []int
	var release []net.Listener
	var routes []*url.URL
	for range 3 {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		release = append(release, l)
	}
	for _, l := range release { // not before all have one, so that they differ
		_ = l.Close()
	}
	servers = map[string]*server.Server{}
	for i, port := range ports {
		ns := elsewhere(t, server.Options{
			ServerName: fmt.Sprint("s", i), Routes: routes,
			Cluster: server.ClusterOpts{Name: "c", Host: host, Port: port},
		})
		servers[ns.Name()] = ns
		urls = append(urls, ns.ClientURL())
	}
	return servers, urls
}

// opened is what is opened when the cluster has got itself together: nobody
// answers while there is no leader.
func opened[T any](t *testing.T, open func(context.Context) (T, error)) T {
	t.Helper()
	for ctx := limited(t); ; {
		once, cancel := context.WithTimeout(ctx, time.Second)
		it, err := open(once)
		cancel()
		if err == nil {
			return it
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// TestCluster: entries are kept by three servers, and one of them ends.
func TestCluster(t *testing.T) {
	servers, urls := cluster(t)
	c, err := Connect(limited(t), ConnectOptions{URL: strings.Join(urls, ", "), Name: "a", Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx := limited(t)
	l := opened(t, func(ctx context.Context) (*Log, error) { return c.Log(ctx, "jobs", LogOptions{}) })
	// untilClear appends as a writer does that is not told what became of it.
	untilClear := func(last uint64) {
		t.Helper()
		for {
			once, cancel := context.WithTimeout(ctx, time.Second)
			n, err := l.Append(once, last, killEntry(last+1))
			cancel()
			if err == nil && n == last+1 {
				return
			}
			if errors.Is(err, ErrFenced) || ctx.Err() != nil {
				t.Fatal(n, err)
			}
		}
	}
	for n := range uint64(20) {
		untilClear(n)
	}
	info, err := l.entries.Info(ctx)
	if err != nil || info.Config.Replicas != 3 || info.Cluster == nil {
		t.Fatalf("%+v, %v", info, err)
	}
	leader := servers[info.Cluster.Leader]
	leader.Shutdown()
	leader.WaitForShutdown()
	for n := range uint64(20) {
		untilClear(20 + n)
	}
	next := uint64(1)
	if err := l.Read(ctx, 0, func(n uint64, entry []byte) error {
		if n != next || string(entry) != string(killEntry(n)) {
			return fmt.Errorf("entry %d, want %d: %.40q", n, next, entry)
		}
		next++
		return nil
	}); err != nil || next != 41 {
		t.Errorf("%d entries, %v", next-1, err)
	}
}

// TestClusterObjects: a server ends between two Puts, and while an object is read.
func TestClusterObjects(t *testing.T) {
	beside(t)
	servers, urls := cluster(t)
	c, err := Connect(limited(t), ConnectOptions{URL: strings.Join(urls, ","), Name: "a", Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	o := opened(t, func(ctx context.Context) (*Objects, error) { return c.Objects(ctx, "files", ObjectsOptions{}) })
	ctx := limited(t)
	put := func(key string, content []byte) {
		t.Helper()
		for {
			err := o.Put(ctx, key, bytes.NewReader(content))
			if err == nil {
				return
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	get := func(key string, want []byte) {
		t.Helper()
		for {
			got, err := object(ctx, o, key)
			if err == nil && bytes.Equal(got, want) {
				return
			}
			if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) || ctx.Err() != nil {
				t.Fatalf("%s: %d bytes, %v", key, len(got), err)
			}
		}
	}
	large := blob(2*fetchBytes, 1) // more than is fetched ahead
	put("a", large)
	put("b", blob(3*chunkSize, 2))
	info, err := o.stream.Info(ctx)
	if err != nil || info.Config.Replicas != 3 || info.Cluster == nil {
		t.Fatalf("%+v, %v", info, err)
	}
	r, err := o.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	begun := make([]byte, 10)
	if _, err := io.ReadFull(r, begun); err != nil {
		t.Fatal(err)
	}
	leader := servers[info.Cluster.Leader]
	leader.Shutdown()
	leader.WaitForShutdown()
	put("b", blob(5*chunkSize, 3))
	get("b", blob(5*chunkSize, 3))
	put("c", blob(10, 4))
	get("c", blob(10, 4))
	rest, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(append(begun, rest...), large) {
		t.Errorf("%d bytes that are not what was put", len(begun)+len(rest))
	}
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
	get("a", large)
}

// TestClusterCall: who is connected to one server calls who is connected to
// another, and gets the lease of who is gone.
func TestClusterCall(t *testing.T) {
	beside(t)
	_, urls := cluster(t)
	var hubs []*Conn
	for i, name := range []string{"hub-1", "hub-2"} {
		c, err := Connect(limited(t), ConnectOptions{URL: urls[i], Name: name, Replicas: 3})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		hubs = append(hubs, c)
	}
	testHubs(t, hubs[0], hubs[1])
}
