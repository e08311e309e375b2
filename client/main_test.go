package client

import (
	"testing"

	"freshet/internal/wiretest"
)

func TestMain(m *testing.M) { wiretest.Main(m) }
