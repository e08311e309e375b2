package rewrite

import "strings"

// A label of a charset is what the WHATWG Encoding Standard has in its table.
// Those here encode ASCII characters as themselves, and use the bytes of "<",
// ">", quotes and white space for nothing else, so that tags can be found
// without decoding. UTF-16 does not, nor does ISO-2022-JP, which has states.
var asciiCompatible = func() map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(`
		utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8
		ascii us-ascii ansi_x3.4-1968 latin1 latin2 latin3 latin4 latin5 latin6 latin-9 l1 l2 l3 l4 l5 l6 l9
		cp819 ibm819 iso-ir-100 iso-ir-101 iso-ir-109 iso-ir-110 iso-ir-144 iso-ir-127 iso-ir-126 iso-ir-138 iso-ir-148 iso-ir-157 iso-ir-58 iso-ir-149
		cyrillic arabic greek greek8 hebrew visual logical ecma-114 ecma-118 elot_928 sun_eu_greek asmo-708
		cp866 ibm866 866 csibm866 koi koi8 koi8-r koi8_r koi8-u koi8-ru cskoi8r
		macintosh mac x-mac-roman csmacintosh x-mac-cyrillic x-mac-ukrainian
		tis-620 dos-874 windows-874 x-user-defined
		gbk gb2312 gb_2312 gb_2312-80 chinese csgb2312 csiso58gb231280 x-gbk gb18030
		big5 big5-hkscs cn-big5 csbig5 x-x-big5
		euc-jp x-euc-jp cseucpkdfmtjapanese
		shift_jis shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis
		euc-kr cseuckr korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 csksc56011987 windows-949
	`) {
		m[name] = true
	}
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "8-e", "8-i", "9", "10", "11", "13", "14", "15", "16"} {
		m["iso-8859-"+n], m["iso8859-"+n], m["iso8859"+n], m["iso_8859-"+n] = true, true, true, true
	}
	for _, n := range []string{"1250", "1251", "1252", "1253", "1254", "1255", "1256", "1257", "1258"} {
		m["windows-"+n], m["cp"+n], m["x-cp"+n] = true, true, true
	}
	return m
}()

// otherCharsets are those that browsers know, too, and that cannot be dealt with.
var otherCharsets = map[string]bool{
	"utf-16": true, "utf-16le": true, "utf-16be": true, "unicode": true, "unicodefeff": true, "unicodefffe": true, "ucs-2": true, "iso-10646-ucs-2": true, "csunicode": true,
	"iso-2022-jp": true, "csiso2022jp": true, "iso-2022-kr": true, "csiso2022kr": true, "iso-2022-cn": true, "iso-2022-cn-ext": true, "hz-gb-2312": true, "replacement": true,
}

// charsetKind is what a label means to us.
type charsetKind uint8

const (
	charsetUnknown charsetKind = iota // browsers go on as if there were none
	charsetFine
	charsetOther
)

func kindOf(label string) charsetKind {
	label = strings.ToLower(strings.Trim(label, " \t\n\f\r"))
	switch {
	case asciiCompatible[label]:
		return charsetFine
	case otherCharsets[label]:
		return charsetOther
	}
	return charsetUnknown
}
