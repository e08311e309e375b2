package machine

import "testing"

func TestQuoted(t *testing.T) {
	got := Quoted([]string{"-scenario", "a|b", "", "it's"})
	if want := `-scenario 'a|b' '' 'it'\''s'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCPUInfoModel(t *testing.T) {
	text := "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC: 9R14\nprocessor\t: 1\nmodel name\t: other\n"
	if got := cpuinfoModel(text); got != "AMD EPYC: 9R14" {
		t.Errorf("got %q", got)
	}
	if got := cpuinfoModel("processor : 0\n"); got != "" {
		t.Errorf("got %q out of nothing", got)
	}
}
