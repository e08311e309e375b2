package wiretest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// seedVariable has what tests do by chance be something else.
const seedVariable = "FRESHET_TEST_SEED"

// Seed is where the chance of a test begins. It is the same each time, so that a
// test says the same of the same program; with FRESHET_TEST_SEED=new it is
// another each time, as in long campaigns, and a number is that. The log of the
// test says which it was.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, err := seedOf(os.Getenv(seedVariable))
	if err != nil {
		t.Fatalf("%s is a number, or new: %v", seedVariable, err)
	}
	t.Logf("%s=%d", seedVariable, seed)
	return seed
}

func seedOf(text string) (uint64, error) {
	switch text {
	case "":
		return 1, nil
	case "new":
		return rand.Uint64(), nil
	}
	return strconv.ParseUint(text, 10, 64)
}
