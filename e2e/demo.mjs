// The demo program, and the browser to look at it with: one of each for a file of tests.
import { after, before } from 'node:test';
import { launch } from './browser.mjs';
import { build, start } from './server.mjs';

/** demo starts both before the tests of a file and ends them after. */
export function demo() {
  const d = {
    browser: null,
    base: '',
    /** tell steers the demo: emit, drop, down (see demo/main.go). */
    async tell(what, data) {
      const answer = await fetch(`${d.base}/demo/${what}`, { method: 'POST', body: JSON.stringify(data ?? null) });
      if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
    },
    /** emit sends an event to all pages. */
    emit(event, data) {
      return d.tell(`emit?event=${event}`, data);
    },
    /** streams lists the queries of the streams that are open. */
    async streams() {
      return (await fetch(`${d.base}/demo/streams`)).json();
    },
  };
  let server;
  before(async () => {
    server = await start(build('.', './demo', 'demo'), [], /http:\/\/\S+(?=\/)/);
    d.base = server.match[0];
    d.browser = await launch();
  });
  after(async () => {
    await d.browser?.close();
    await server?.stop();
  });
  return d;
}
