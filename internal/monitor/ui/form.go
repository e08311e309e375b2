package ui

// Form asks for something. A filter is a form that is sent with GET, so that
// what it asks for is an address; an action is one with POST, on a page of its
// own that says what will happen.
type Form struct {
	Head

	Action string // the address it is sent to
	Post   bool   // send it with POST

	// Hidden are sent along, as a token against forged requests.
	Hidden []Value

	Fields []Field
	Submit string // what the button says
	Danger bool   // the action cannot be taken back
	Cancel Link   // the way out, or back to no filter; zero for none

	// Errors are what was wrong when the form was sent before.
	Errors []string
}

// Value is a name and a value as forms send them.
type Value struct {
	Name, Value string
}

// Field is one question of a form.
type Field struct {
	Name  string // what it is sent as
	Label string
	Kind  FieldKind
	Value string // what it says now

	Hint        string // a sentence below the field; "" for none
	Placeholder string // an example; "" for none
	Options     []Option
	Wide        bool // room for a long text
	Required    bool
	Invalid     bool // what it says now is wrong
}

// FieldKind is how a question is asked.
type FieldKind string

const (
	TextField   FieldKind = "text"   // a line of text; also the zero value
	SearchField FieldKind = "search" // the same, for filters
	NumberField FieldKind = "number" // a number
	URLField    FieldKind = "url"    // an absolute address
	// PasswordField is a secret: it is not shown, and never filled in.
	PasswordField FieldKind = "password"
	SelectField   FieldKind = "select"   // one of Options
	CheckField    FieldKind = "checkbox" // sent as "1", or not at all; set when Value is not ""
	AreaField     FieldKind = "textarea" // several lines
)

// Option is a choice of a [SelectField].
type Option struct {
	Value string
	Text  string // "" stands for Value
}

// Label is what the option says.
func (o Option) Label() string {
	if o.Text != "" {
		return o.Text
	}
	return o.Value
}

// Input is the type of the field's input element.
func (f Field) Input() string {
	if f.Kind == "" {
		return string(TextField)
	}
	return string(f.Kind)
}

func (*Form) part() string { return "form" }
