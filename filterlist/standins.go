package filterlist

import "strings"

// standIns are the main names of the stand-ins that have several: the names of
// uBlock Origin, with the aliases of its own lists, of AdGuard's and of Adblock
// Plus's. All other names stay as they are.
var standIns = map[string]string{
	"1x1-transparent.gif":                   "1x1.gif",
	"1x1-transparent-gif":                   "1x1.gif",
	"abp-resource:1x1-transparent-gif":      "1x1.gif",
	"2x2-transparent.png":                   "2x2.png",
	"abp-resource:2x2-transparent-png":      "2x2.png",
	"3x2-transparent.png":                   "3x2.png",
	"abp-resource:3x2-transparent-png":      "3x2.png",
	"32x32-transparent.png":                 "32x32.png",
	"abp-resource:32x32-transparent-png":    "32x32.png",
	"nooptext":                              "noop.txt",
	"abp-resource:blank-text":               "noop.txt",
	"abp-resource:blank-css":                "noop.css",
	"noopcss":                               "noop.css",
	"noopjs":                                "noop.js",
	"blank-js":                              "noop.js",
	"abp-resource:blank-js":                 "noop.js",
	"noopjson":                              "noop.json",
	"noopframe":                             "noop.html",
	"blank-html":                            "noop.html",
	"abp-resource:blank-html":               "noop.html",
	"noopmp3-0.1s":                          "noop-0.1s.mp3",
	"blank-mp3":                             "noop-0.1s.mp3",
	"abp-resource:blank-mp3":                "noop-0.1s.mp3",
	"noopmp4-1s":                            "noop-1s.mp4",
	"blank-mp4":                             "noop-1s.mp4",
	"abp-resource:blank-mp4":                "noop-1s.mp4",
	"noopvmap-1.0":                          "noop-vmap1.xml",
	"noopvmap-1.0.xml":                      "noop-vmap1.xml",
	"noopvast-2.0":                          "noop-vast2.xml",
	"noopvast-3.0":                          "noop-vast3.xml",
	"noopvast-4.0":                          "noop-vast4.xml",
	"google-analytics":                      "google-analytics_analytics.js",
	"google-analytics.com/analytics.js":     "google-analytics_analytics.js",
	"google-analytics-ga":                   "google-analytics_ga.js",
	"google-analytics.com/ga.js":            "google-analytics_ga.js",
	"googletagmanager-gtm":                  "google-analytics_analytics.js",
	"googletagmanager.com/gtm.js":           "google-analytics_analytics.js",
	"googletagmanager_gtm.js":               "google-analytics_analytics.js",
	"googletagservices-gpt":                 "googletagservices_gpt.js",
	"googletagservices.com/gpt.js":          "googletagservices_gpt.js",
	"googlesyndication-adsbygoogle":         "googlesyndication_adsbygoogle.js",
	"googlesyndication.com/adsbygoogle.js":  "googlesyndication_adsbygoogle.js",
	"scorecardresearch-beacon":              "scorecardresearch_beacon.js",
	"scorecardresearch.com/beacon.js":       "scorecardresearch_beacon.js",
	"amazon-adsystem.com/aax2/amzn_ads.js":  "amazon_ads.js",
	"doubleclick.net/instream/ad_status.js": "doubleclick_instream_ad_status.js",
}

// standIn returns the main name of a stand-in, with the priority that uBlock
// Origin lets follow it ("noop.js:10").
func standIn(value string) string {
	name, priority := cutPriority(value)
	if main, ok := standIns[name]; ok {
		name = main
	}
	if priority != 0 {
		return name + value[strings.LastIndexByte(value, ':'):]
	}
	return name
}

// cutPriority cuts the priority off a stand-in's name; it is 0 if there is
// none. At nine digits it ends.
func cutPriority(value string) (name string, priority int) {
	i := strings.LastIndexByte(value, ':')
	digits := value[i+1:]
	if i < 0 || digits == "" || len(digits) > 9 {
		return value, 0
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return value, 0
		}
		priority = priority*10 + int(c-'0')
	}
	return value[:i], priority
}
