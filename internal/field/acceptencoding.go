package field

type Coding uint8

const (
	Identity Coding = iota
	Gzip
	Brotli
	Zstd
)

const NumCodings = 4

func (c Coding) String() string { return "" }

type CodingSet uint8

func (s CodingSet) Has(c Coding) bool       { return false }
func (s CodingSet) With(c Coding) CodingSet { return s }

type Accepted struct{ q [NumCodings]int16 }

func ParseAcceptEncoding(value string, present bool) Accepted { return Accepted{} }
func (a Accepted) Q(c Coding) int                             { return 0 }
func (a Accepted) Order(available CodingSet) (order [NumCodings]Coding, n int) {
	return order, 0
}
