package static

import (
	"testing"
	"time"
)

func TestCacheControl(t *testing.T) {
	const year = "max-age=31536000, immutable"
	for _, c := range []struct {
		policy     CachePolicy
		name, want string
		age        int64
	}{
		{Revalidate, "app.3f2a91bc.js", "no-cache", 0},
		{NoPolicy, "app.3f2a91bc.js", "", 0},
		{CachePolicy(10 * time.Minute), "index.html", "max-age=600", 600},
		{Auto, "index.html", "no-cache", 0},
		{Auto, "index.3f2a91bc.html", "no-cache", 0},
		{Auto, "logo.png", "max-age=60", 60},
		{Auto, "assets/app.3f2a91bc.js", year, immutableAge},
		{Auto, "index-BkTqX9a2.css", year, immutableAge},
		{Auto, "5e884898da28047151d0e56f8dc62927.png", year, immutableAge},
		{Auto, "chunk-X7Q2K5AB.js", year, immutableAge},
		{Auto, "main.8c1f0e22d6.chunk.js.map", year, immutableAge},

		// What people write must not be frozen for a year.
		{Auto, "report-20240131.pdf", "max-age=60", 60},
		{Auto, "photo-holiday1.jpg", "max-age=60", 60},
		{Auto, "report-2024Q1final.pdf", "max-age=60", 60},
		{Auto, "jquery-3.7.1.min.js", "max-age=60", 60},
		{Auto, "release-version2.zip", "max-age=60", 60},
		{Auto, "facade1234.png", "max-age=60", 60},
		{Auto, "3f2a91bc.js", "max-age=60", 60},
		{Auto, "AnnualReport2024.pdf", "max-age=60", 60},
		{Auto, "acme-AnnualReport2024.pdf", "max-age=60", 60},
		{Auto, "wallpaper-iPhone12Pro.png", "max-age=60", 60},
		{Auto, "menu-01feb2024.pdf", "max-age=60", 60},
		{Auto, "menu-2024dec31.pdf", "max-age=60", 60},
		{Auto, "poster-10x20x30cm.png", "max-age=60", 60},
		{Auto, "show-s01e01e02.mp4", "max-age=60", 60},
		{Auto, "show-S01E01E02.mp4", "max-age=60", 60},
		{Auto, "notes.3f2a91bc", "max-age=60", 60},
	} {
		got, age := c.policy.cacheControl(c.name, typeOf(c.name, nil))
		if got != c.want || age != c.age {
			t.Errorf("policy %d, %s: %q, %d, want %q, %d", c.policy, c.name, got, age, c.want, c.age)
		}
	}
}
