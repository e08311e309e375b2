// Numbers that change in place.

/** A value of more letters needs smaller ones, as in stats.go. */
const LONG = 8;

/** showStats puts new values where the page shows them. */
export function showStats(stats) {
	for (const [key, stat] of Object.entries(stats)) {
		for (const place of document.querySelectorAll(`[data-live="${CSS.escape(key)}"]`)) showStat(place, stat);
	}
}

function showStat(place, stat) {
	const number = place.querySelector(".number");
	write(number, stat.text);
	number.classList.toggle("long", stat.text.length > LONG);
	if (stat.unit !== undefined) write(place.querySelector(".unit"), stat.unit);
	if (stat.note !== undefined) write(place.querySelector(".note"), stat.note);
	place.classList.remove("good", "info", "warn", "bad", "dim");
	if (stat.level) place.classList.add(stat.level);
	const meter = place.querySelector("meter");
	if (meter) {
		if (stat.limit > 0) {
			meter.high *= stat.limit / meter.max;
			meter.max = stat.limit;
		}
		if (stat.value !== undefined) meter.value = stat.value;
	}
}

// Text that stays the same is left alone, so that it can be selected.
function write(element, text) {
	if (element && element.textContent !== text) element.textContent = text;
}
