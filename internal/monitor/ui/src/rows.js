// Tables that grow: new rows come in at the top.

/** addRows adds the rows of an event, the oldest first, to its table. */
export function addRows({ table: id, rows, total, whole, empty }) {
	const table = document.getElementById(id)?.querySelector("table[data-rows]");
	if (!table) return;
	const max = Number(table.dataset.rows);
	const body = table.tBodies[0];
	body.querySelector("tr.empty")?.remove();
	const heads = [...table.tHead.rows[0].cells];
	if (whole) {
		setRows(body, rows ?? [], heads, empty);
		showWindow(id, body.querySelectorAll("tr[data-id]").length, total ?? 0);
		return;
	}
	const fresh = document.createDocumentFragment();
	for (const row of rows.slice(-max)) {
		if (row.id && body.querySelector(`tr[data-id="${CSS.escape(row.id)}"]`)) continue;
		fresh.prepend(makeRow(row, heads));
	}
	body.prepend(fresh);
	while (body.rows.length > max) body.deleteRow(-1);
	if (total) showWindow(id, body.rows.length, total);
}

function showWindow(id, shown, total) {
	const text = document.getElementById(id).querySelector(".window");
	if (text) text.textContent = total ? windowText(shown, total) : "";
}

// setRows makes these all rows there are. What stays the same is left alone, so
// that it keeps the focus and can be selected.
function setRows(body, rows, heads, empty) {
	const had = new Map([...body.rows].map((tr) => [tr.dataset.id, tr]));
	const now = rows.map((row) => {
		const fresh = makeRow(row, heads);
		const tr = had.get(row.id);
		if (!tr) return fresh;
		[...fresh.cells].forEach((cell, i) => tr.cells[i].isEqualNode(cell) || tr.cells[i].replaceWith(cell));
		return tr;
	});
	for (const tr of had.values()) if (!now.includes(tr)) tr.remove();
	if (!now.length) now.push(emptyRow(heads.length, empty));
	now.forEach((tr, i) => body.rows[i] === tr || body.insertBefore(tr, body.rows[i] ?? null));
}

function emptyRow(columns, text) {
	const tr = document.createElement("tr");
	const td = document.createElement("td");
	tr.className = "empty";
	td.colSpan = columns;
	td.textContent = text;
	tr.append(td);
	return tr;
}

function windowText(shown, total) {
	const grouped = (n) => n.toLocaleString("en");
	if (shown >= total) return total === 1 ? "1 row" : `${grouped(total)} rows`;
	return `1–${grouped(shown)} of ${grouped(total)}`;
}

function makeRow(row, heads) {
	const tr = document.createElement("tr");
	tr.className = ["new", row.level].filter(Boolean).join(" ");
	if (row.id) tr.dataset.id = row.id;
	row.cells.forEach((cell, i) => tr.append(makeCell(cell, heads[i])));
	return tr;
}

// The same as the template "cell" makes.
function makeCell(cell, head) {
	const td = document.createElement("td");
	const kind = head ? head.className : "";
	td.className = [kind, cell.level].filter(Boolean).join(" ");
	if (cell.title) td.title = visible(cell.title);
	if (cell.href && allowed(cell.href)) {
		const a = document.createElement("a");
		a.href = cell.href;
		a.textContent = visible(cell.text);
		td.append(a);
	} else if (cell.text) {
		const span = document.createElement("span");
		span.textContent = visible(cell.text);
		td.append(span);
	}
	if (cell.pick) td.append(makePick(cell.pick));
	if (cell.gauge && cell.gauge.limit > 0) td.append(" ", makeGauge(cell.gauge));
	return td;
}

function makePick(value) {
	const box = document.createElement("input");
	box.type = "checkbox";
	box.name = "pick";
	box.value = value;
	box.ariaLabel = `Pick ${value}`;
	return box;
}

function makeGauge({ value, limit, label }) {
	const meter = document.createElement("meter");
	meter.min = 0;
	meter.max = limit;
	meter.value = value;
	meter.ariaLabel = label || "used";
	return meter;
}

// A link leads to a page, not to a script.
export function allowed(href) {
	try {
		return ["http:", "https:"].includes(new URL(href, location.href).protocol);
	} catch {
		return false;
	}
}

/** visible is a text as it may be shown: controls and what turns the reading direction become U+FFFD. */
export function visible(text) {
	return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, "\ufffd");
}
