package config

import "strings"

// alertNodes puts what [alerts] and [[alert]] say where [server] would say it:
//
//	[alerts]                      [server]
//	mail = "ops@example.org"      alert-mail = "ops@example.org"
//
//	[[alert]]                     alert-rule = ["latency: > 500ms for 10m"]
//	name = "latency"
//	when = "> 500ms"
//	for = "10m"
func (d *decoder) alertNodes(server, n *node) {
	switch {
	case n.key == "alerts" && n.kind == tableNode:
		for _, m := range n.list {
			key := "alert-" + m.key
			switch {
			case !hasKey(alertRows, key):
				near := Nearest(key, keysOf(alertRows))
				text := "unknown key %q in [alerts]"
				if near != "" {
					text += "; did you mean " + strings.TrimPrefix(near, "alert-") + "?"
				}
				d.fault(m.name, text, m.key)
			case server.get(key) != nil && key == "alert-rule":
				server.get(key).list = append(asList(server.get(key)), asList(m)...)
				server.get(key).kind = arrayNode
			case server.get(key) != nil:
				d.fault(m.name, "%s is in [server] already, as %s; leave one out", m.key, key)
			default:
				c := *m
				c.key = key
				server.list = append(server.list, &c)
			}
		}
	case n.key == "alert" && isTables(n):
		rules := server.get("alert-rule")
		if rules == nil {
			rules = &node{kind: arrayNode, key: "alert-rule", name: n.name, at: n.at}
			server.list = append(server.list, rules)
		} else {
			rules.list, rules.kind = asList(rules), arrayNode
		}
		for _, one := range n.list {
			rules.list = append(rules.list, d.alertRule(one))
		}
	case n.key == "alert":
		d.fault(n.name, "alert is %s here; write [[alert]]", n.what())
	default:
		d.fault(n.name, "alerts is %s here; write [alerts]", n.what())
	}
}

// asList are the elements of an array, or a value alone.
func asList(n *node) []*node {
	if n.kind == arrayNode {
		return n.list
	}
	c := *n
	return []*node{&c}
}

func keysOf(rows []Flag) (keys []string) {
	for i := range rows {
		keys = append(keys, rows[i].key())
	}
	return keys
}

// alertRule makes the text of a rule from a table.
func (d *decoder) alertRule(n *node) *node {
	said := map[string]string{}
	for _, m := range n.list {
		switch m.key {
		case "name", "when", "for", "of", "severity":
			if m.kind != textNode && (m.key != "of" || m.kind != numberNode) {
				d.fault(m.at, "%s is %s here; give a string in quotes", m.key, m.what())
			}
			said[m.key] = m.text
		case "off":
			said["off"] = m.text
		default:
			d.fault(m.name, "unknown key %q in [[alert]]; there are name, when, for, of, severity and off", m.key)
		}
	}
	if said["name"] == "" {
		d.fault(n.name, "the alert has no name; give it one, or that of a rule that there is")
	}
	text := said["name"] + ": "
	switch {
	case said["off"] == "true" || said["when"] == "off":
		text += "off"
	default:
		text += said["when"]
		for _, key := range []string{"for", "of"} {
			if said[key] != "" {
				text += " " + key + " " + said[key]
			}
		}
		text += " " + said["severity"]
	}
	return &node{kind: textNode, key: "alert-rule", name: n.name, at: n.name, text: strings.TrimSpace(text)}
}
