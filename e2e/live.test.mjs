// What scripts do: keep a page up to date, and say so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from './demo.mjs';
import { open, windows } from './browser.mjs';
import { until } from './server.mjs';

const d = demo();

const row = (id, path) => ({
  id,
  cells: [
    { text: '12:00:00', href: `/requests/${id}` }, { text: 'GET' }, { text: 'a.example' }, { text: path }, { text: '200' },
    { text: 'hit', level: 'good', title: 'fresh' },
  ],
});

/** live opens a page and waits until it is connected. */
async function live(t, path, options = windows.desktop) {
  const w = await open(t, d.browser, d.base + path, options);
  w.state = w.page.getByRole('status');
  await w.state.getByText('live', { exact: true }).waitFor();
  t.after(() => assert.deepEqual(w.complaints, []));
  return w;
}

test('numbers change in place', async (t) => {
  const { page } = await live(t, '/');
  const rate = page.locator('[data-live=rate]');
  await d.emit('stats', { rate: { text: '7', unit: '/min', note: 'few', level: 'bad' }, memory: { text: '12', value: 12, limit: 100 }, unknown: { text: '1' } });
  await rate.getByText('7', { exact: true }).waitFor();
  assert.match(await rate.innerText(), /7\s*\/min\s*few/);
  assert.match(await rate.getAttribute('class'), /bad/);
  const meter = page.locator('[data-live=memory] meter');
  assert.deepEqual(await meter.evaluate((m) => [m.value, m.max, m.high]), [12, 100, 90]);
  await d.emit('stats', { rate: { text: '8' } });
  await rate.getByText('8', { exact: true }).waitFor();
  assert.doesNotMatch(await rate.getAttribute('class'), /bad/);
  assert.match(await rate.innerText(), /few/, 'what an event leaves out stays');
});

test('rows come in at the top, once, and no more than there is room for', async (t) => {
  const { page } = await live(t, '/requests');
  const rows = page.locator('#requests tbody tr');
  assert.equal(await rows.count(), 50);
  await d.emit('rows', { table: 'requests', rows: [row('a', '/first'), row('b', '/second')], total: 12347 });
  await page.getByText('/second').waitFor();
  assert.equal(await rows.count(), 50);
  assert.match(await rows.nth(0).innerText(), /\/second/);
  assert.match(await rows.nth(1).innerText(), /\/first/);
  assert.equal(await page.locator('#requests .window').innerText(), '1–50 of 12,347');
  assert.equal(await rows.nth(0).getByRole('link').getAttribute('href'), '/requests/b');
  const verdict = rows.nth(0).locator('td').nth(5);
  assert.match(await verdict.getAttribute('class'), /badge good/);
  assert.equal(await verdict.getAttribute('title'), 'fresh');

  await d.emit('rows', { table: 'requests', rows: [row('b', '/second'), row('c', '/third')] });
  await page.getByText('/third').waitFor();
  assert.equal(await page.getByText('/second').count(), 1);

  await d.emit('rows', { table: 'requests', rows: Array.from({ length: 200 }, (_, i) => row(`m${i}`, `/many/${i}`)) });
  await page.getByText('/many/199', { exact: true }).waitFor();
  assert.equal(await rows.count(), 50);
  assert.equal(await page.getByText('/many/149', { exact: true }).count(), 0);
});

test('the first row takes the place of what was said instead', async (t) => {
  const { page } = await live(t, '/empty');
  await d.emit('rows', { table: 'requests', rows: [{ id: '1', cells: [{ text: 'now' }, { text: '/a' }] }] });
  await page.getByText('/a').waitFor();
  assert.equal(await page.getByText('No request came yet.').count(), 0);
  await d.emit('chart', { chart: 'traffic', time: 1000, values: [3] });
  await page.locator('.legend').getByText('3', { exact: true }).waitFor();
});

test('nothing in an event becomes markup', async (t) => {
  const { page } = await live(t, '/nasty');
  const evil = `<script>document.title='evil'</script><img src=x onerror="document.title='evil'">\u202egpj.exe`;
  await d.emit('rows', { table: 'requests', rows: [{ id: evil, level: evil, cells: [{ text: `new ${evil}`, href: "javascript:document.title='evil'", title: evil }, { text: evil, level: evil }] }] });
  const cell = page.locator('#requests td').first();
  await cell.getByText('new <script>').waitFor();
  assert.match(await cell.innerText(), /\ufffdgpj\.exe/);
  assert.equal(await page.locator('main script, main img, main a[href^=javascript]').count(), 0);
  assert.doesNotMatch(await page.title(), /^evil/);
  assert.ok((await page.title()).startsWith('<script>'), 'the title is text');
});

test('a chart takes the next point', async (t) => {
  const { page } = await live(t, '/');
  const line = page.locator('#traffic path.line');
  const before = await line.getAttribute('d');
  await page.locator('#traffic summary').click();
  await d.emit('chart', { chart: 'traffic', time: 1903867200 + 60, values: [40e6] });
  await page.locator('#traffic .legend').getByText('40 MB/s').waitFor();
  assert.notEqual(await line.getAttribute('d'), before);
  assert.match(await page.locator('#traffic .scale').innerText(), /40\sMB\/s/);
});

test('a chart shows when nothing was heard', async (t) => {
  const { page } = await live(t, '/');
  const line = page.locator('#traffic path.line');
  const stretches = async () => (await line.getAttribute('d')).split('M').length;
  const before = await stretches();
  for (const [time, values] of [[10, [1e6]], [20, [2e6]], [400, [3e6]]]) await d.emit('chart', { chart: 'traffic', time: 1903867200 + time, values });
  await page.locator('#traffic .legend').getByText('3 MB/s').waitFor();
  assert.equal(await stretches(), before + 1);
});

test('the picture is the one that the server draws', async (t) => {
  // The last point comes again as an event: nothing may move.
  const { page } = await live(t, '/');
  for (const id of ['traffic', 'verdicts']) {
    const picture = () => page.locator(`#${id} figure`).evaluate((f) => f.innerHTML.replaceAll(/\s+/g, ' '));
    const before = await picture();
    const { times, series } = JSON.parse(await page.locator(`#${id} figure`).getAttribute('data-points'));
    await d.emit('chart', { chart: id, time: times.at(-1), values: series.map((s) => s.at(-1)) });
    await d.emit('stats', { rate: { text: `after ${id}` } });
    await page.getByText(`after ${id}`).waitFor();
    // The server draws before it rounds, so a tenth of a unit may differ.
    const numbers = (s) => s.match(/-?\d+(\.\d+)?/g).map(Number);
    const words = (s) => s.replaceAll(/-?\d+(\.\d+)?/g, '#');
    const after = await picture();
    assert.equal(words(after), words(before));
    const was = numbers(before);
    numbers(after).forEach((n, i) => assert.ok(Math.abs(n - was[i]) < 0.11, `${id}: ${n} was ${was[i]}`));
  }
});

test('a chart can be read with the pointer', async (t) => {
  const { page } = await live(t, '/cache');
  const plot = page.locator('#traffic .u-over');
  await plot.waitFor();
  const legend = page.locator('#traffic .legend');
  const latest = await legend.innerText();
  const box = await plot.boundingBox();
  await plot.hover({ position: { x: box.width / 4, y: box.height / 2 } });
  await until(async () => (await legend.innerText()) !== latest, true);
  await page.mouse.move(0, 0);
  await until(() => legend.innerText(), latest);
  await d.emit('chart', { chart: 'traffic', time: 1903867200 + 60, values: [40e6] });
  await legend.getByText('40 MB/s').waitFor();
});

test('a chart that was zoomed into stays so', async (t) => {
  const { page } = await live(t, '/cache');
  const plot = page.locator('#traffic .u-over');
  await plot.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await plot.boundingBox();
  const legend = page.locator('#traffic .legend');
  const at = async (part) => {
    await page.mouse.move(x + part * width, y + height / 2, { steps: 3 });
    return legend.innerText();
  };
  const whole = await at(0.01);
  await page.mouse.move(x + 0.6 * width, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + 0.9 * width, y + height / 2, { steps: 5 });
  await page.mouse.up();
  const zoomed = await at(0.01);
  assert.notEqual(zoomed, whole);
  await d.emit('chart', { chart: 'traffic', time: 1903867200 + 60, values: [40e6] });
  await d.emit('stats', { disk: { text: 'later' } });
  await page.getByText('later').waitFor();
  await at(0.5);
  assert.equal(await at(0.01), zoomed);
  await plot.dblclick();
  await at(0.5);
  assert.equal(await at(0.99), 'to clients 40\u00a0MB/s');
});

test('the filter of the page goes along with its stream', async (t) => {
  const { page } = await open(t, d.browser, `${d.base}/requests`);
  await page.getByLabel('Status').selectOption('5xx');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/status=5xx/);
  await page.getByRole('status').getByText('live', { exact: true }).waitFor();
  assert.ok((await d.streams()).includes('page=requests&status=5xx'));
  assert.equal(await page.getByLabel('Status').inputValue(), '5xx');
  const verdicts = await page.locator('#requests tbody td:nth-child(6)').allInnerTexts();
  assert.ok(verdicts.length > 0 && verdicts.every((v) => v === 'error'));
});

test('columns sort by links, and the order stays while paging', async (t) => {
  for (const options of [windows.desktop, windows.plain]) {
    const { page } = await open(t, d.browser, `${d.base}/requests?status=2xx&reload=off`, options);
    const head = page.getByRole('columnheader', { name: 'Took' });
    assert.equal(await head.getAttribute('aria-sort'), null);
    await head.getByRole('link').click();
    await page.waitForURL(/sort=-ms/);
    assert.equal(await head.getAttribute('aria-sort'), 'descending');
    assert.match(page.url(), /status=2xx/);
    await page.getByRole('link', { name: 'Next →' }).click();
    await page.waitForURL(/offset=50/);
    assert.match(page.url(), /sort=-ms/);
    assert.match(await page.locator('.window').innerText(), /^51–/);
  }
});

test('a page can be paused, and catches up', async (t) => {
  const { page, state } = await live(t, '/requests');
  const pause = page.getByRole('button', { name: 'Pause' });
  await pause.focus();
  await page.keyboard.press('Enter');
  await state.getByText('paused', { exact: true }).waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const arrived = new Promise((resolve) => session.once('Network.eventSourceMessageReceived', resolve));
  await d.emit('rows', { table: 'requests', rows: [row('p1', '/while-paused')] });
  await arrived;
  assert.equal(await page.getByText('/while-paused').count(), 0);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('/while-paused').waitFor();
  await state.getByText('live', { exact: true }).waitFor();
});

test('a connection that is lost is said to be, and comes back', async (t) => {
  const { page, complaints } = await open(t, d.browser, `${d.base}/`);
  const state = page.getByRole('status');
  await state.getByText('live', { exact: true }).waitFor();
  await d.emit('stats', { rate: { text: 'seen' } });
  await page.getByText('seen').waitFor();
  await d.tell('down?on=1');
  await state.getByText('disconnected', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button').innerText(), 'Reload');
  await d.tell('down');
  await state.getByText('live', { exact: true }).waitFor();
  assert.ok((await d.streams()).some((q) => /page=overview&last=\d+/.test(q)), 'it says what it has seen');
  assert.equal(await page.getByRole('button').innerText(), 'Pause');
  await d.emit('stats', { rate: { text: 'again' } });
  await page.getByText('again').waitFor();
  assert.deepEqual(complaints.filter((c) => !/events/.test(c) && !/503/.test(c)), []);
});

test('the state is told when it changes, and not with each event', async (t) => {
  const { page, state } = await live(t, '/');
  await state.evaluate((e) => {
    window.changes = 0;
    new MutationObserver((list) => { window.changes += list.length; }).observe(e, { childList: true, characterData: true, subtree: true, attributes: true });
  });
  for (let i = 0; i < 20; i++) await d.emit('stats', { rate: { text: `n${i}` } });
  await page.getByText('n19').waitFor();
  assert.equal(await page.evaluate(() => window.changes), 0);
});

test('a tab in the background lets go of its connection', async (t) => {
  const { page, state } = await live(t, '/cache');
  const open = async () => (await d.streams()).filter((q) => q.startsWith('page=cache')).length;
  await until(open, 1);
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await hide(true);
  await until(open, 0);
  await hide(false);
  await until(open, 1);
  await state.getByText('live', { exact: true }).waitFor();
});

test('nothing moves for those who asked for that', async (t) => {
  const { page } = await live(t, '/requests', { ...windows.desktop, reducedMotion: 'reduce' });
  await d.emit('rows', { table: 'requests', rows: [row('still', '/still')] });
  await page.getByText('/still').waitFor();
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
});

test('without scripts a page can be kept from loading again', async (t) => {
  const { page } = await open(t, d.browser, `${d.base}/requests?status=2xx`, windows.plain);
  assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 1);
  await page.getByRole('link', { name: 'stop that' }).click();
  await page.waitForURL(/reload=off/);
  assert.match(page.url(), /status=2xx/);
  assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 0);
});

test('an action is confirmed, and sent with what it needs', async (t) => {
  for (const options of [windows.desktop, windows.plain]) {
    const { page } = await open(t, d.browser, `${d.base}/cache?reload=off`, options);
    await page.getByLabel('Address').fill('http://a.example/x');
    await page.getByRole('button', { name: 'Purge …' }).click();
    await page.getByRole('heading', { name: 'Purge one address?' }).waitFor();
    const sent = page.waitForRequest((r) => r.method() === 'POST');
    await page.getByRole('button', { name: 'Purge it' }).click();
    assert.equal((await sent).postData(), 'token=t0k3n&url=http%3A%2F%2Fa.example%2Fx&soft=1');
    await page.getByText('Purged').waitFor();
  }
});

test('pages can be printed', async (t) => {
  const { page } = await open(t, d.browser, `${d.base}/requests`);
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('.top nav').isVisible(), false);
  assert.equal(await page.getByRole('table').isVisible(), true);
  assert.ok((await page.pdf()).length > 1000);
});
