// The points of a chart, as its figure holds them and as events add to them.
import { clock, format } from "./units.js";

/** Points are the times of a chart and the values of its series, null where nothing is known. */
export class Points {
	constructor(figure) {
		const { times, series } = JSON.parse(figure.dataset.points);
		this.times = times;
		this.series = series;
		this.keep = Number(figure.dataset.keep);
		this.unit = figure.dataset.unit;
		this.stacked = figure.classList.contains("stacked");
		this.max = Number(figure.dataset.max ?? 0);
	}

	/**
	 * push adds a point; the oldest one leaves. The latest time gets new values
	 * if it comes again. After a pause, as of a tab in the background, there is
	 * a gap.
	 */
	push(time, values) {
		const [before, last] = this.times.slice(-2);
		if (time < last) return;
		if (time - last > 3 * (last - before)) this.push(2 * last - before, []);
		if (time === last) {
			this.series.forEach((line, k) => { line[line.length - 1] = values[k] ?? null; });
			return;
		}
		this.times.push(time);
		this.series.forEach((line, k) => line.push(values[k] ?? null));
		while (this.times.length > this.keep) {
			this.times.shift();
			this.series.forEach((line) => line.shift());
		}
	}

	/** heights are the values as they are drawn: on top of each other when stacked. */
	heights() {
		if (!this.stacked) return this.series;
		const out = [];
		for (const line of this.series) {
			const below = out[out.length - 1];
			out.push(below ? line.map((v, i) => (v === null ? below[i] : v + (below[i] ?? 0))) : line);
		}
		return out;
	}

	/** highest is the largest height, or the least top of the scale. */
	highest(heights) {
		return heights.flat().reduce((top, v) => (v > top ? v : top), this.max);
	}

	span() {
		return this.times.length ? this.times[this.times.length - 1] - this.times[0] : 0;
	}

	/** sentence says what can be seen, as plot.go does. */
	sentence(names) {
		const [from, to] = [this.times[0], this.times[this.times.length - 1]].map((t) => clock(t, this.span()));
		let text = `${from} to ${to} UTC.`;
		this.series.forEach((line, k) => {
			const known = line.filter((v) => v !== null);
			const [low, high] = [Math.min(...known), Math.max(...known)].map((v) => format(v, this.unit));
			const latest = this.latest(k) === null ? "no data" : format(this.latest(k), this.unit);
			text += known.length ? ` ${names[k]}: latest ${latest}, lowest ${low}, highest ${high}.` : ` ${names[k]}: no data.`;
		});
		return text;
	}

	latest(k) {
		return this.series[k][this.series[k].length - 1] ?? null;
	}
}
