package forward

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"net/http"
	"path"
	"strings"
)

// named are the stand-ins that lists ask for by name. Scripts that stand for
// those of well-known services do nothing but be there: pages that wait for
// them, or call them, go on.
var named = map[string]standIn{
	"1x1.gif":          gifStandIn,
	"2x2.png":          {kind: "image/png", body: emptyPNG(2, 2)},
	"3x2.png":          {kind: "image/png", body: emptyPNG(3, 2)},
	"32x32.png":        {kind: "image/png", body: emptyPNG(32, 32)},
	"noop.js":          jsStandIn,
	"noop.html":        htmlStandIn,
	"noop.css":         cssStandIn,
	"noop.txt":         textStandIn,
	"noop.json":        jsonStandIn,
	"empty":            textStandIn,
	"click2load.html":  {kind: "text/html; charset=utf-8", body: clickToLoad},
	"noop-0.1s.mp3":    mp3StandIn,
	"noop-0.5s.mp3":    {kind: "audio/mpeg", body: silence(20)},
	"noop-vmap1.xml":   {kind: "text/xml; charset=utf-8", body: `<vmap:VMAP xmlns:vmap="http://www.iab.net/videosuite/vmap" version="1.0"></vmap:VMAP>`},
	"noop-vast2.xml":   vast("2.0"),
	"noop-vast3.xml":   vast("3.0"),
	"noop-vast4.xml":   vast("4.0"),
	"noop-1s.mp4":      mp4StandIn,
	"google-ima.js":    script("window.google=window.google||{};window.google.ima=window.google.ima||{};"),
	"fingerprint2.js":  script("window.Fingerprint2=function(){this.get=function(a,b){setTimeout(b||a,1,'',[])}};window.Fingerprint2.get=window.Fingerprint2.prototype.get=function(a,b){setTimeout(b||a,1,[])};"),
	"amazon_ads.js":    script("window.amznads=window.amznads||{getAds:f,getAdsCallback:c1,getTargeting:o,hasAds:n,setTargetingForGPTAsync:f,appendTargetingToAdServerUrl:f};"),
	"amazon_apstag.js": script("window.apstag=window.apstag||{init:f,fetchBids:function(o,c){if(typeof c==='function')setTimeout(c,1,[])},setDisplayBids:f,targetingKeys:a};"),
	"fuckadblock.js-3.2.0": script("var b=window.fuckAdBlock=window.blockAdBlock={check:f,clearEvent:f,emitEvent:f,on:s,onDetected:s,setOption:s,options:{set:f,get:f}};" +
		"b.onNotDetected=function(c){if(typeof c==='function')setTimeout(c,1);return b};window.FuckAdBlock=window.BlockAdBlock=function(){return b};"),
	"google-analytics_analytics.js": script("var g=window.GoogleAnalyticsObject||'ga',q=window[g]&&window[g].q,t={get:f,set:f,send:f};" +
		"var ga=window[g]=function(){var l=arguments[arguments.length-1];if(l&&typeof l==='object'&&typeof l.hitCallback==='function')setTimeout(l.hitCallback,1);else if(typeof l==='function')setTimeout(l,1,t)};" +
		"ga.create=ga.getByName=function(){return t};ga.getAll=function(){return[t]};ga.remove=f;ga.loaded=true;" +
		"if(q&&q.length)for(var i=0;i<q.length;i++)ga.apply(null,q[i]);" +
		"var d=window.dataLayer;if(d&&typeof d.push==='function'){var e=function(x){if(x&&typeof x.eventCallback==='function')setTimeout(x.eventCallback,1)};d.push=function(){for(var i=0;i<arguments.length;i++)e(arguments[i]);return 1};if(d.forEach)d.forEach(e)}"),
	"google-analytics_ga.js": script("var t=new Proxy({},{get:function(o,k){return function(){return k.slice&&k.slice(0,4)==='_get'?'':undefined}}});" +
		"var g=window._gaq;window._gat={_getTracker:function(){return t},_createTracker:function(){return t},_getTrackerByName:function(){return t},_anonymizeIp:f};" +
		"var p=function(c){if(typeof c==='function')c();else if(c&&c[0]==='_set'&&c[1]==='hitCallback'&&typeof c[2]==='function')setTimeout(c[2],1)};" +
		"window._gaq={push:function(){for(var i=0;i<arguments.length;i++)p(arguments[i])}};if(g&&g.forEach)g.forEach(p);"),
	"googletagservices_gpt.js": script("var p=new Proxy(f,{get:function(o,k){if(k===Symbol.toPrimitive||k==='toString')return function(){return''};if(k==='then'||k===Symbol.iterator)return undefined;" +
		"if(typeof k==='string'&&/^get.*(s|Keys)$/.test(k))return a;return p},apply:function(){return p}});" +
		"var o=window.googletag||{},q=o.cmd||[],r=function(c){try{c()}catch(e){}return 1};window.googletag=new Proxy({apiReady:true,pubadsReady:true,cmd:{push:r}},{get:function(o,k){return k in o?o[k]:p}});while(q.length)r(q.shift());"),
	"googlesyndication_adsbygoogle.js":  script("window.adsbygoogle={loaded:true,length:0,push:function(){this.length++}};"),
	"scorecardresearch_beacon.js":       script("window.COMSCORE={purge:function(){window._comscore=[]},beacon:f};"),
	"doubleclick_instream_ad_status.js": script("window.google_ad_status=1;"),
}

// script is one with a few functions that do nothing: f, s that returns what it
// is called on, a, o and n that return an empty list, an empty object and false,
// and c1 that calls what it is given.
func script(body string) standIn {
	return standIn{kind: jsStandIn.kind, body: "(function(){'use strict';var f=function(){},s=function(){return this},a=function(){return[]},o=function(){return{}},n=function(){return false}," +
		"c1=function(x,c){if(typeof c==='function')setTimeout(c,1)};" + body + "})();"}
}

func vast(version string) standIn {
	return standIn{kind: "text/xml; charset=utf-8", body: `<VAST version="` + version + `"></VAST>`}
}

// clickToLoad stands for a frame: it leads to what the frame would have shown,
// in a window of its own.
const clickToLoad = `<!doctype html><meta charset="utf-8"><title></title><style>:root{color-scheme:light dark}body{font:14px system-ui,sans-serif;margin:.5rem}</style>` +
	`<p>Not loaded: a list names this. <a id="a" target="_blank" rel="noreferrer">Open it</a></p><script>document.getElementById('a').href=location.href</script>`

// emptyPNG is a transparent image, gray with alpha. It is put together by hand,
// for it is made when the program starts: package png has a compressor of
// several hundred KiB for that.
func emptyPNG(width, height int) string {
	rows := make([]byte, height*(1+2*width)) // a filter type, and gray and alpha of each pixel
	zlib := binary.LittleEndian.AppendUint16([]byte{0x78, 0x01, 0x01}, uint16(len(rows)))
	zlib = binary.LittleEndian.AppendUint16(zlib, ^uint16(len(rows))) // one stored block (RFC 1951 §3.2.4)
	zlib = binary.BigEndian.AppendUint32(append(zlib, rows...), adler32.Checksum(rows))
	head := binary.BigEndian.AppendUint32(nil, uint32(width))
	head = binary.BigEndian.AppendUint32(head, uint32(height))
	png := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct {
		kind string
		data []byte
	}{{"IHDR", append(head, 8, 4, 0, 0, 0)}, {"IDAT", zlib}, {"IEND", nil}} {
		png = binary.BigEndian.AppendUint32(png, uint32(len(chunk.data)))
		at := len(png)
		png = append(append(png, chunk.kind...), chunk.data...)
		png = binary.BigEndian.AppendUint32(png, crc32.ChecksumIEEE(png[at:]))
	}
	return string(png)
}

// frame is a frame of MPEG-1 layer III without sound: 32 kbit/s, 44.1 kHz, one
// channel. Its side information of zeros says that no coefficients follow.
var frame = "\xff\xfb\x10\xc4" + strings.Repeat("\x00", 100)

// silence is an MP3 of so many frames of 26 ms.
func silence(frames int) string { return strings.Repeat(frame, frames) }

var (
	mp3StandIn = standIn{kind: "audio/mpeg", body: silence(4)}
	mp4StandIn = standIn{kind: "video/mp4", body: silentMP4(39)}
)

// mediaStandIn plays for a moment, so that a player goes on to what comes next.
func mediaStandIn(r *http.Request) standIn {
	switch strings.ToLower(path.Ext(r.URL.Path)) {
	case ".mp3", ".ogg", ".wav", ".flac", ".m4a":
		return mp3StandIn
	case ".vtt":
		return standIn{kind: "text/vtt; charset=utf-8", body: "WEBVTT\n"}
	}
	return mp4StandIn
}

// silentMP4 is a file of ISO/IEC 14496-12 with one track, of sound, that is so
// many frames of silence.
func silentMP4(frames uint32) string {
	const rate, samples = 44100, 1152
	length := frames * samples
	matrix := words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
	ftyp := box("ftyp", "isom", words(0x200), "isom", "mp41")
	esds := "\x03\x19\x00\x01\x00" + // an elementary stream, that is
		"\x04\x11\x6b\x15\x00\x00\x00" + string(words(32000, 32000)) + // MPEG-1 audio
		"\x06\x01\x02" + "\x05\x00"
	entry := box("mp4a", "\x00\x00\x00\x00\x00\x00\x00\x01", words(0, 0), "\x00\x01\x00\x10\x00\x00\x00\x00", words(rate<<16),
		box("esds", words(0), esds))
	table := func(offset uint32) string {
		return box("stbl",
			box("stsd", words(0, 1), entry),
			box("stts", words(0, 1, frames, samples)),
			box("stsc", words(0, 1, 1, frames, 1)),
			box("stsz", words(0, uint32(len(frame)), frames)),
			box("stco", words(0, 1, offset)))
	}
	moov := func(offset uint32) string {
		return box("moov",
			box("mvhd", words(0, 0, 0, rate, length, 0x10000), "\x01\x00", words(0, 0), "\x00\x00", matrix, words(0, 0, 0, 0, 0, 0, 2)),
			box("trak",
				box("tkhd", words(3, 0, 0, 1, 0, length, 0, 0, 0), "\x01\x00\x00\x00", matrix, words(0, 0)),
				box("mdia",
					box("mdhd", words(0, 0, 0, rate, length), "\x55\xc4\x00\x00"),
					box("hdlr", words(0, 0), "soun", words(0, 0, 0), "\x00"),
					box("minf",
						box("smhd", words(0, 0)),
						box("dinf", box("dref", words(0, 1), box("url ", words(1)))),
						table(offset)))))
	}
	head := uint32(len(ftyp) + len(moov(0)) + 8)
	return ftyp + moov(head) + box("mdat", silence(int(frames)))
}

// box is one of ISO/IEC 14496-12: its length, its name, what is in it.
func box(name string, parts ...string) string {
	body := strings.Join(parts, "")
	return words(uint32(8+len(body))) + name + body
}

func words(all ...uint32) string {
	var b []byte
	for _, w := range all {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return string(b)
}
