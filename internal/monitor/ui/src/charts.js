// Charts that can be read with the pointer and zoomed, drawn by uPlot in place
// of the picture that came with the page.
import uPlot from "./vendor/uPlot.mjs";
import { seriesNames, showLatest } from "./drawing.js";
import { Points } from "./points.js";
import { clock, format, scale } from "./units.js";

const HEIGHT = 240;
const charts = [];

function color(element) {
	return getComputedStyle(element).color;
}

// An area is its line's colour, as faint as in the style sheet.
function faint(rgb, opacity) {
	return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`);
}

class Chart {
	constructor(figure) {
		this.figure = figure;
		this.points = new Points(figure);
		this.names = [...figure.querySelectorAll(".legend li")];
		this.place = figure.querySelector(".plot");
		this.text = figure.querySelector("desc").textContent;
		this.place.replaceChildren();
		this.place.classList.add("drawn");
		this.draw();
		figure.addEventListener("point", (event) => {
			event.preventDefault();
			this.add(event.detail);
		});
		new ResizeObserver(() => this.fit()).observe(this.place);
	}

	draw() {
		this.chart?.destroy();
		this.chart = new uPlot(this.options(), this.data(), this.place);
		this.zoomed = false;
		this.chart.over.addEventListener("dblclick", () => { this.zoomed = false; });
		const canvas = this.place.querySelector("canvas");
		canvas.setAttribute("role", "img");
		canvas.setAttribute("aria-label", this.text);
	}

	data() {
		return [this.points.times, ...this.points.heights()];
	}

	width() {
		const style = getComputedStyle(this.place);
		return Math.max(200, this.place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
	}

	options() {
		const { unit, stacked } = this.points;
		const soft = getComputedStyle(document.documentElement).getPropertyValue("--soft");
		const grid = { stroke: getComputedStyle(document.documentElement).getPropertyValue("--rule"), width: 1 };
		const axis = { stroke: soft, grid, ticks: { ...grid, size: 4 }, font: `12px ${getComputedStyle(document.body).fontFamily}` };
		const series = this.names.map((li, k) => {
			const stroke = color(li);
			// A stack has no lines: one of nothing would hide the one below.
			if (stacked) return { width: 0, points: { show: false }, fill: k === 0 ? faint(stroke, 0.6) : undefined };
			const fill = this.names.length === 1 ? faint(stroke, 0.16) : undefined;
			return { stroke, width: 1.6, points: { show: false }, fill };
		});
		const bands = stacked ? this.names.slice(1).map((li, k) => ({ series: [k + 2, k + 1], fill: faint(color(li), 0.6) })) : [];
		return {
			width: this.width(),
			height: HEIGHT,
			padding: [8, 8, 0, 0],
			tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
			legend: { show: false },
			cursor: { y: false, points: { size: 6 } },
			scales: { y: { range: (_, low, high) => [0, scale(Math.max(high ?? 0, this.points.max), unit)] } },
			axes: [
				{ ...axis, space: 70, size: 30, values: (_, times) => times.map((t) => clock(t, times[times.length - 1] - times[0])) },
				{ ...axis, size: 62, values: (_, values) => values.map((v) => format(v, unit)) },
			],
			series: [{}, ...series],
			bands,
			hooks: {
				setCursor: [(chart) => this.read(chart.cursor.idx)],
				setSelect: [(chart) => { this.zoomed = chart.select.width > 0; }],
			},
		};
	}

	// The legend tells the values where the pointer is, else the latest.
	read(i) {
		if (i === null || i === undefined) return showLatest(this.figure, this.points);
		this.figure.querySelectorAll(".legend b").forEach((b, k) => {
			const v = this.points.series[k][i] ?? null;
			b.textContent = v === null ? "no data" : format(v, this.points.unit);
		});
	}

	add({ time, values }) {
		this.points.push(time, values);
		// What was zoomed into stays where it is.
		this.chart.setData(this.data(), !this.zoomed);
		if (this.zoomed) this.chart.redraw();
		this.text = this.points.sentence(seriesNames(this.figure));
		this.place.querySelector("canvas").setAttribute("aria-label", this.text);
		if (this.chart.cursor.idx == null) showLatest(this.figure, this.points);
	}

	fit() {
		const width = this.width();
		if (width !== this.chart.width) this.chart.setSize({ width, height: HEIGHT });
	}
}

for (const figure of document.querySelectorAll("figure[data-interactive]")) charts.push(new Chart(figure));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((c) => c.draw()));
