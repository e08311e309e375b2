// The connection that brings what is new.

/** A connection that brings nothing for this long is taken for dead. */
const SILENCE = 30_000;

/** How long to wait before another try: twice as long each time, up to the last. */
const WAITS = [1000, 2000, 4000, 8000, 15_000];

/**
 * Stream is an event stream that is there while somebody looks: a tab in the
 * background lets go of its connection, of which a browser has few. It tells
 * onState "live" or "disconnected".
 */
export class Stream {
	constructor(url, handlers, onState) {
		this.url = url;
		this.handlers = handlers;
		this.onState = onState;
		this.tries = 0;
		this.last = "";
		document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
		addEventListener("pagehide", () => this.close());
		addEventListener("pageshow", (e) => e.persisted && this.open());
		addEventListener("online", () => this.open());
		if (!document.hidden) this.open();
	}

	open() {
		this.close();
		const url = new URL(this.url, location.href);
		if (this.last) url.searchParams.set("last", this.last);
		const source = (this.source = new EventSource(url));
		source.onopen = () => {
			this.tries = 0;
			this.heard();
			this.onState("live");
		};
		source.onerror = () => this.retry();
		for (const [name, handle] of Object.entries(this.handlers)) {
			source.addEventListener(name, (event) => {
				this.heard();
				if (event.lastEventId) this.last = event.lastEventId;
				handle(JSON.parse(event.data));
			});
		}
		this.heard();
	}

	close() {
		clearTimeout(this.timer);
		this.source?.close();
		this.source = null;
	}

	heard() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.retry(), SILENCE);
	}

	// The browser's own tries end for good with the first answer that is not an
	// event stream, as while the server starts anew; these do not end.
	retry() {
		this.close();
		this.onState("disconnected");
		this.timer = setTimeout(() => this.open(), WAITS[Math.min(this.tries++, WAITS.length - 1)]);
	}
}
