package bus

import "time"

// State is what is stored, for a page.
type State struct {
	Streams []StreamState // sorted by name
	Store   int64         // bytes in use
	Max     int64         // bytes that may be used; 0: not bounded here
}

// StreamState is one stream.
type StreamState struct {
	Name                string
	Subjects            []string
	Messages, Bytes     uint64 // as they are stored: what is sealed is longer than what was put
	First, Last         uint64 // numbers of the first and the last message
	FirstTime, LastTime time.Time
	Replicas            int
	Leader              string // in a cluster
	Consumers           []ConsumerState
}

// ConsumerState is one reader of a stream.
type ConsumerState struct {
	Name        string
	Created     time.Time
	Pending     uint64 // messages that it has not got
	Unconfirmed int    // got, not acknowledged
	Redelivered int
	Delivered   uint64 // the number of the last message it got
}

// Message is one message of a stream.
type Message struct {
	Stream  string
	Number  uint64
	Subject string
	Time    time.Time
	Header  map[string][]string
	Payload []byte
}
