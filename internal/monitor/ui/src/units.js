// Numbers as people read them, in about three digits: the same as unit.go.

const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];

/** format writes a value: format(12345, "/s") is "12.3k/s". */
export function format(value, unit) {
	switch (unit) {
		case "B":
		case "B/s": {
			const [text, prefix] = scaled(value);
			return `${text}\u00a0${prefix}${unit}`;
		}
		case "s": {
			const size = Math.abs(value);
			if (size === 0 || size >= 0.9995) return `${digits(value)}\u00a0s`;
			if (size >= 0.9995e-3) return `${digits(value * 1e3)}\u00a0ms`;
			return `${digits(value * 1e6)}\u00a0µs`;
		}
		case "%":
			return `${digits(value)}\u00a0%`;
	}
	const [text, prefix] = scaled(value);
	return text + prefix + unit;
}

function scaled(value) {
	let step = 0;
	while (Math.abs(value) >= 999.5 && step < PREFIXES.length - 1) {
		value /= 1000;
		step++;
	}
	return [digits(value), PREFIXES[step]];
}

function digits(value) {
	const size = Math.abs(value);
	const text = value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
	const short = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
	return short === "-0" ? "0" : short;
}

/** scale returns the top of a scale that holds value. */
export function scale(value, unit) {
	if (unit === "%" && value <= 100 && value > 50) return 100;
	if (!(value > 0)) return unit === "s" ? 0.001 : 1;
	const power = 10 ** Math.floor(Math.log10(value));
	for (const step of [1, 1.5, 2, 3, 4, 5, 6, 8, 10]) {
		if (value <= step * power * (1 + 1e-9)) return step * power;
	}
	return value;
}

/** clock writes a time (Unix seconds, UTC) as suits a span of seconds. */
export function clock(time, span) {
	const text = new Date(time * 1000).toISOString(); // 2006-01-02T15:04:05.000Z
	if (span < 600) return text.slice(11, 19);
	if (span < 86400) return text.slice(11, 16);
	const month = new Date(time * 1000).toLocaleString("en", { month: "short", timeZone: "UTC" });
	return `${month} ${Number(text.slice(8, 10))} ${text.slice(11, 16)}`;
}
