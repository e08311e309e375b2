package config

import (
	"strings"
	"testing"
)

// What a login says is in no list, nor is a token.
func TestNATSIsShown(t *testing.T) {
	for given, want := range map[string]string{
		"nats://a:4222":                         "nats://a:4222",
		"nats://u:p@a:4222,tls://tok@b,c:1,x@d": "nats://(secret)@a:4222,tls://(secret)@b,c:1,(secret)@d",
		"nats://u:p@q@a:4222":                   "nats://(secret)@a:4222",
	} {
		c, err := ParseServe([]string{"--fleet", ":1", "--nats", given}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Jobs.NATS.URL != given {
			t.Errorf("%s: %s", given, c.Jobs.NATS.URL)
		}
		for _, one := range c.Given {
			if one.Key == "nats" && one.Value != want {
				t.Errorf("%s is shown as %s", given, one.Value)
			}
		}
	}
	c, err := ParseServe([]string{}, []string{"FRESHET_JOIN=freshet-node-1-x"})
	if err != nil || len(c.Given) != 1 || c.Given[0].Value != "(secret)" {
		t.Errorf("%+v %v", c, err)
	}
}

// What makes no sense together.
func TestNATSFaults(t *testing.T) {
	for args, want := range map[string]string{
		"--nats nats://a":                                   "--nats is for a server with a fleet",
		"--fleet :1 --nats nats://a --join x":               "exclude each other",
		"--nats-creds f":                                    "--nats-creds is used with --nats URL only",
		"--nats-ca f":                                       "--nats-ca is used with --nats URL only",
		"--fleet :1 --nats nats://a --nats-replicas 2":      "--nats-replicas is 1 or 3",
		"--fleet :1 --node-name a.b":                        "is no name",
		"--fleet :1 --node-name " + strings.Repeat("a", 41): "is no name",
		"--fleet :1 --nats nats://a --nats-replicas 4":      "nats-replicas",
	} {
		if _, err := ParseServe(strings.Fields(args), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// The same of a server that keeps a fleet together with others.
func TestPeerFaults(t *testing.T) {
	for args, want := range map[string]string{
		"--fleet-peer x":                                "--fleet-peer is for a server with a fleet",
		"--fleet-peer-file x":                           "--fleet-peer is for a server with a fleet",
		"--fleet :1 --fleet-peer x --nats nats://a":     "--fleet-peer and --nats exclude each other",
		"--fleet :1 --fleet-peer x --fleet-peer-file y": "--fleet-peer and --fleet-peer-file exclude each other",
		"--fleet :1 --fleet-peer x --join y":            "--fleet and --join exclude each other",
		"--fleet :1 --fleet-peer x --node-name a":       "--node-name is for a server without --fleet-peer",
		"--fleet :1 --fleet-peer-listen :2":             "--fleet-peer-listen is used with --fleet-peer TOKEN only",
		"--join x --fleet-peer y":                       "--fleet-peer is for a server with a fleet",
	} {
		if _, err := ParseServe(strings.Fields(args), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	c, err := ParseServe([]string{"--fleet", ":1"}, []string{"FRESHET_FLEET_PEER=freshet-peer-1-x"})
	if err != nil || c.Jobs.Peer.Text != "freshet-peer-1-x" {
		t.Fatalf("%+v %v", c, err)
	}
	for _, one := range c.Given {
		if one.Key == "fleet-peer" && one.Value != "(secret)" {
			t.Errorf("it is shown as %s", one.Value)
		}
	}
	for args, want := range map[string]string{"peers": "say which servers", "invite": "say which worker", "revoke a b": "say which worker"} {
		if _, err := ParseWorker(strings.Fields(args), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("worker %s: %v", args, err)
		}
	}
	w, err := ParseWorker([]string{"peers", "a=a:1", "b=b:1"}, nil)
	if err != nil || w.Verb != "peers" || len(w.Peers) != 2 {
		t.Errorf("%+v %v", w, err)
	}
}
