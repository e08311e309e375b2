package ui

// Text is paragraphs, and links below them.
type Text struct {
	Head
	Paragraphs []string
	Links      []Link
}

// Notice is a message that should not be overlooked: what went wrong, what was
// done, what to do about it.
type Notice struct {
	Level Level // Good, Info, Warn or Bad; Plain is Info
	Title string
	Text  string
	Links []Link
}

// List is a list of terms and what there is to say of each, as for the
// explanation of one request.
type List struct {
	Head
	Items []Item
}

// Item is a term of a [List].
type Item struct {
	Term  string
	Text  string // may have several lines
	Href  string // the text as a link; "" for none
	Note  string // a remark below the text; "" for none
	Mono  bool   // in a fixed-width font, as for fields and addresses
	Level Level
}

// Pre is text as it stands in a file, in a region that scrolls by itself.
type Pre struct {
	Head
	Label string // names the region for those who cannot see it; default: Title
	Text  string
}

// Gallery is pictures side by side.
type Gallery struct {
	Head
	Pictures []Picture
}

// Picture is an image of the monitor's own with its name, which leads to it.
type Picture struct {
	Src  string // its address, also that of the link
	Name string // what it is called, also for those who cannot see it
}

// Columns puts sections side by side where the window is wide enough.
type Columns struct {
	Sections []Section
}

func (*Text) part() string    { return "text" }
func (*Notice) part() string  { return "notice" }
func (*List) part() string    { return "list" }
func (*Pre) part() string     { return "pre" }
func (*Gallery) part() string { return "gallery" }
func (*Columns) part() string { return "columns" }
