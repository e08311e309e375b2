// Charts that the server drew as SVG, drawn again with each new point: the
// same picture as plot.go makes.
import { clock, format, scale } from "./units.js";
import { Points } from "./points.js";

const WIDTH = 600;
const HEIGHT = 120;
const drawings = new WeakMap();

/** addPoint gives a chart one more point. */
export function addPoint(section, { time, values }) {
	const figure = section.querySelector("figure[data-points]");
	if (!figure) return;
	const taken = new CustomEvent("point", { detail: { time, values }, cancelable: true });
	if (figure.dispatchEvent(taken)) { // else the chart draws itself
		let points = drawings.get(figure);
		if (!points) drawings.set(figure, (points = new Points(figure)));
		points.push(time, values);
		draw(figure, points);
	}
	addNumbers(section, figure.dataset.unit, time, values);
}

function draw(figure, points) {
	const heights = points.heights();
	const top = scale(points.highest(heights), points.unit);
	const span = points.span();
	const x = (i) => (span > 0 ? round((WIDTH * (points.times[i] - points.times[0])) / span) : 0);
	const y = (v) => round(HEIGHT - HEIGHT * Math.min(Math.max(v / top, 0), 1));

	figure.querySelectorAll("path.line").forEach((path, k) => path.setAttribute("d", linePath(heights[k], x, y)));
	figure.querySelectorAll("path.area").forEach((path, k) => path.setAttribute("d", areaPath(heights[k], points.stacked ? heights[k - 1] : null, x, y)));

	const [upper, middle] = figure.querySelectorAll(".scale span");
	upper.textContent = format(top, points.unit);
	middle.textContent = format(top / 2, points.unit);
	const [from, to] = figure.querySelectorAll(".span span");
	from.textContent = clock(points.times[0], span);
	to.textContent = clock(points.times[points.times.length - 1], span);
	showLatest(figure, points);
	figure.querySelector("desc").textContent = points.sentence(seriesNames(figure));
}

/** seriesNames are the names of a chart's series. */
export function seriesNames(figure) {
	return [...figure.querySelectorAll(".legend span")].map((span) => span.textContent);
}

/** showLatest writes the latest values into the legend. */
export function showLatest(figure, points) {
	figure.querySelectorAll(".legend b").forEach((b, k) => {
		const v = points.latest(k);
		b.textContent = v === null ? "no data" : format(v, points.unit);
	});
}

function linePath(values, x, y) {
	let d = "";
	for (const [from, to] of stretches(values)) d += edge("M", from, to, x, (i) => y(values[i]));
	return d;
}

function areaPath(values, below, x, y) {
	let d = "";
	for (const [from, to] of stretches(values)) {
		d += `${edge("M", from, to, x, (i) => y(values[i]))}${edge("L", to, from, x, (i) => y(below?.[i] ?? 0))}Z`;
	}
	return d;
}

// The first and the last index of each stretch without a gap.
function* stretches(values) {
	for (let from = 0; from < values.length; from++) {
		if (values[from] === null) continue;
		let to = from;
		while (to + 1 < values.length && values[to + 1] !== null) to++;
		yield [from, to];
		from = to;
	}
}

// The points from one index to another, but for those on a level line.
function edge(command, from, to, x, height) {
	const step = to < from ? -1 : 1;
	let last = height(from);
	let d = `${command}${x(from)} ${last}`;
	for (let i = from; i !== to; ) {
		i += step;
		const h = height(i);
		if (i !== to && h === last && height(i + step) === h) continue;
		d += `L${x(i)} ${h}`;
		last = h;
	}
	return d;
}

/** addNumbers adds the point to the table of numbers, if that shows every point. */
function addNumbers(section, unit, time, values) {
	const body = section.querySelector("details tbody[data-every]");
	if (!body) return;
	const row = document.createElement("tr");
	row.insertCell().textContent = new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ");
	for (const v of values) {
		const cell = row.insertCell();
		cell.className = "num";
		cell.textContent = v === null ? "–" : format(v, unit);
	}
	body.prepend(row);
	while (body.rows.length > Number(body.dataset.every)) body.deleteRow(-1);
}

function round(v) {
	return Math.round(10 * v) / 10;
}
