package config

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
)

// A FieldEdit changes a field of answers.
type FieldEdit struct {
	Op    FieldOp
	Name  string // in its usual form
	Value string // "" of FieldRemove
}

// FieldOp is what a FieldEdit does.
type FieldOp uint8

// The operations.
const (
	FieldRemove FieldOp = iota + 1
	FieldSet
	FieldAdd
)

// engineFields are those that say how an answer is sent, which the engine
// alone knows.
var engineFields = []string{
	"Connection", "Content-Length", "Date", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// fields decodes headers.
func (d *decoder) fields(n *node) []FieldEdit {
	if n.kind != tableNode {
		d.fault(n.at, "headers is %s here; give headers.set, headers.add or headers.remove", n.what())
		return nil
	}
	var edits []FieldEdit
	for _, m := range n.list {
		switch m.key {
		case "set":
			edits = append(edits, d.fieldTable(m, FieldSet)...)
		case "add":
			edits = append(edits, d.fieldTable(m, FieldAdd)...)
		case "remove":
			edits = append(edits, d.fieldList(m)...)
		default:
			if near := Nearest(m.key, []string{"set", "add", "remove"}); near != "" {
				d.fault(m.name, "unknown key %q in headers; did you mean %s?", m.key, near)
				continue
			}
			d.fault(m.name, "unknown key %q in headers; there are set, add and remove", m.key)
		}
	}
	return mergeFields(nil, edits)
}

// fieldTable decodes a table of names and values.
func (d *decoder) fieldTable(n *node, op FieldOp) []FieldEdit {
	if n.kind != tableNode {
		d.fault(n.at, "headers.%s is %s here; give a table such as { X-Name = \"value\" }", n.key, n.what())
		return nil
	}
	var edits []FieldEdit
	for _, m := range n.list {
		name, ok := d.fieldName(m.key, m.name)
		if !ok {
			continue
		}
		values := []*node{m}
		if m.kind == arrayNode {
			values = m.list
		}
		for i, v := range values {
			switch {
			case v.kind != textNode:
				d.fault(v.at, "%s is %s here; give a string in quotes", m.key, v.what())
				continue
			case strings.ContainsFunc(v.text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
				d.fault(v.at, "%s has a control character; leave it out", m.key)
				continue
			}
			edit := FieldEdit{op, name, strings.TrimSpace(v.text)}
			if op == FieldSet && i > 0 {
				edit.Op = FieldAdd
			}
			edits = append(edits, edit)
		}
	}
	return edits
}

// fieldList decodes an array of names.
func (d *decoder) fieldList(n *node) []FieldEdit {
	values := []*node{n}
	if n.kind == arrayNode {
		values = n.list
	}
	var edits []FieldEdit
	for _, v := range values {
		if v.kind != textNode {
			d.fault(v.at, "headers.remove is %s here; give an array of names", v.what())
			continue
		}
		if name, ok := d.fieldName(v.text, v.at); ok {
			edits = append(edits, FieldEdit{Op: FieldRemove, Name: name})
		}
	}
	return edits
}

func (d *decoder) fieldName(text string, at span) (string, bool) {
	name, err := parseFieldName(text)
	switch {
	case err != nil || text == "":
		d.fault(at, "%q is not the name of a field; give one such as Cache-Control", text)
		return "", false
	case slices.Contains(engineFields, name):
		d.fault(at, "the field %s says how an answer is sent, which only the server knows; leave it out", name)
		return "", false
	}
	return name, true
}

// mergeFields puts the edits of a table upon those of the table around it. For
// a name that the inner table removes or sets, the outer one's edits are gone;
// what it adds comes after them. The result is in the order of names.
func mergeFields(outer, inner []FieldEdit) []FieldEdit {
	var merged []FieldEdit
	for _, e := range outer {
		replaced := slices.ContainsFunc(inner, func(i FieldEdit) bool { return i.Name == e.Name && i.Op != FieldAdd })
		if !replaced {
			merged = append(merged, e)
		}
	}
	merged = append(merged, inner...)
	slices.SortStableFunc(merged, func(a, b FieldEdit) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return int(a.Op) - int(b.Op)
	})
	return merged
}

// same compares what two pointers point to.
func same(a, b any) bool {
	if l, ok := a.(*lenient); ok {
		m := b.(*lenient)
		return *l.lf == *m.lf && *l.fold == *m.fold
	}
	return reflect.DeepEqual(a, b)
}

func lineOf(data []byte, offset int) int { return bytes.Count(data[:offset], []byte("\n")) + 1 }
