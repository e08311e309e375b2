// Strips of cells that change in place.
import { allowed, visible } from "./rows.js";

/** showStrip shows the cells of an event, and what is said of them. */
export function showStrip({ strip: id, cells, stretches, more }) {
	const section = document.getElementById(id);
	if (!section) return;
	put(section.querySelector(".cells"), cells.map((cell) => {
		const a = link(cell);
		a.tabIndex = -1;
		a.title = visible(cell.title);
		return a;
	}));
	put(section.querySelector(".stretches"), (stretches ?? []).map((stretch) => {
		const a = link(stretch);
		a.textContent = visible(stretch.text);
		return a;
	}));
	const rest = document.createElement("span");
	rest.textContent = more ?? "";
	section.querySelector(".stretches").append(" ", rest);
}

function link({ level, href }) {
	const a = document.createElement("a");
	if (level) a.className = level;
	if (allowed(href)) a.href = href;
	return a;
}

// put makes these the links of a place. What stays the same is left alone, so that
// it keeps the focus.
function put(place, links) {
	const had = [...place.querySelectorAll("a")];
	place.querySelector("span")?.remove();
	links.forEach((a, i) => {
		if (!had[i]) place.append(a, "\n");
		else if (!same(had[i], a)) had[i].replaceWith(a);
	});
	for (const a of had.slice(links.length)) a.remove();
}

const same = (a, b) => a.href === b.href && a.className === b.className && a.title === b.title && a.textContent === b.textContent;
