// Keeps a page up to date in place. A page is complete without it.
import { addPoint } from "./drawing.js";
import { addRows } from "./rows.js";
import { showStats } from "./stats.js";
import { showStrip } from "./strip.js";
import { Stream } from "./stream.js";

/** What happened while the page was paused, up to this many events of rows and points. */
const HELD = 500;

function start(url) {
	const state = document.getElementById("live");
	const button = document.createElement("button");
	button.type = "button";
	button.className = "quiet";
	button.textContent = "Pause";
	state.after(button);

	let connected = null;
	let paused = false;
	let held = [];
	const stats = {};

	const show = () => {
		// Whom the server does not know any more after a new start has to ask it.
		button.textContent = paused ? "Resume" : connected === false ? "Reload" : "Pause";
		// Said only when it changes: the element is read out.
		const text = paused ? "paused" : connected === null ? "connecting" : connected ? "live" : "disconnected";
		if (state.textContent === text) return;
		state.textContent = text;
		state.className = `live ${paused ? "" : connected ? "on" : connected === false ? "off" : ""}`;
	};

	const unlessPaused = (show) => (data) => {
		if (!paused) return show(data);
		held.push(() => show(data));
		if (held.length > HELD) held.shift();
	};

	button.onclick = () => {
		if (!paused && connected === false) return location.reload();
		paused = !paused;
		if (!paused) {
			showStats(stats);
			for (const show of held) show();
			held = [];
		}
		show();
	};

	new Stream(url, {
		stats: (data) => {
			Object.assign(stats, data);
			if (!paused) showStats(data);
		},
		rows: unlessPaused(addRows),
		strip: unlessPaused(showStrip),
		chart: unlessPaused((data) => {
			const section = document.getElementById(data.chart);
			if (section) addPoint(section, data);
		}),
	}, (now) => {
		connected = now === "live";
		show();
	});
	show();
}

// On a phone the navigation scrolls by itself; the page's own entry is in view.
document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
if (document.body.dataset.events) start(document.body.dataset.events);
