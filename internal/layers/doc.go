// Package layers holds no code: its tests are the rules that hold for the
// repository as a whole. Imports point down the table of ARCHITECTURE.md
// (layers_test.go), third-party modules are few, confined and listed
// (linked_test.go), every package and file is one that a newcomer can read
// (hygiene_test.go), and no secret is compared by "==" (secrets_test.go).
//
// A failure prints the reason for the rule. The tests are a statement of
// policy: to make a change pass, change the code, or argue for another policy
// in a commit of its own.
package layers
