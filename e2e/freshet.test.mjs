// The real program: freshet proxy before an origin of ours, and its monitor.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, open, windows } from './browser.mjs';
import { everyPage } from './pages.mjs';
import { build, scratch, start, until } from './server.mjs';

const run = promisify(execFile);
const site = 'www.example.test';
const data = scratch();
let browser;
let origin;
let program;
let server;
let base; // of the monitor
let port; // of the proxy
let requests; // that the monitor knows at the start

/** ask sends a request through the proxy. */
function ask(path, fields = {}) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path, headers: { Host: site, ...fields }, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer));
    }).on('error', reject);
  });
}

// How the origin answers, by the beginning of the path.
const answers = {
  '/bad': [503, { 'Cache-Control': 'no-store' }, 'not now'],
  '/private': [200, { 'Set-Cookie': 'a=b', 'Cache-Control': 'max-age=60' }, 'yours'],
  '/short': [200, { 'Cache-Control': 'max-age=1' }, 'gone soon'],
  '/app.js': [200, { 'Cache-Control': 'max-age=3600', 'Content-Type': 'text/javascript' }, 'let a;'.repeat(100)],
  '/': [200, { 'Cache-Control': 'max-age=600', 'Content-Type': 'text/html' }, '<p>hello'.repeat(100)],
};

before(async () => {
  origin = http.createServer((request, response) => {
    const [, [status, fields, body]] = Object.entries(answers).find(([path]) => request.url.startsWith(path));
    response.writeHead(status, fields).end(body);
  });
  await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const args = ['proxy', '--to', `http://127.0.0.1:${origin.address().port}`, '--listen', '127.0.0.1:0', '--monitor', '127.0.0.1:0', '--data', data, '--access-log', 'off'];
  program = build('..', './cmd/freshet', 'freshet');
  server = await start(program, args, /on http:\/\/127\.0\.0\.1:(\d+)\/[^]*monitor on (\S+)\//);
  [, port, base] = server.match;
  browser = await launch();
  for (const path of ['/', '/', '/', '/app.js', '/app.js', '/bad/gateway', '/private', '/short', `/${encodeURIComponent('<script>')}?q='"><img>`.replaceAll('"', '%22')]) await ask(path);
  // A request is recorded when it is answered, which may be a moment after its client has the answer.
  await until(async () => (requests = (await table('/requests.json')).rows).length, 9);
  await listed('/app.js');
});
after(async () => {
  await browser?.close();
  await server?.stop();
  origin?.close();
});

/** table gets a table of the monitor as programs do. */
async function table(path) {
  const answer = await fetch(base + path);
  assert.equal(answer.status, 200, path);
  return answer.json();
}

/** listed waits until the list of what is stored, which is made anew now and then, has a path. */
function listed(path) {
  return until(async () => (await table(`/cache.json?q=${path}`)).total, 1);
}

/** request is the name of the latest request for a path. */
const request = (path) => requests.find((r) => r.target === path).id;

const address = (path) => encodeURIComponent(`http://${site}${path}`);
const columns = ['Time', 'Status', 'Verdict', 'Method', 'Host', 'Path'];

everyPage(
  [
    { path: '/', title: 'Overview', live: true, texts: ['Requests', 'Latency', 'Connections', '/bad/gateway'], tables: { 'Last errors': columns } },
    { path: '/?over=hours', title: 'Overview', live: true, texts: ['Last 7 days'] },
    { path: '/series', title: 'Series', tables: { 'Last 5 minutes': ['Time'] } },
    { path: '/requests', title: 'Requests', live: true, texts: [site, 'hit', 'miss', '/app.js', '/bad/gateway', '/%3Cscript%3E'], tables: { 'Latest requests': columns } },
    { path: '/requests?status=503&sort=duration', title: 'Requests', texts: ['/bad/gateway'], tables: { 'Latest requests': columns } },
    { path: '/requests?path=/none', title: 'Requests', live: true, texts: ['No request'] },
    { path: '/why', title: 'Why' },
    { path: `/why?url=${address('/')}`, title: 'Why', texts: ['Hit'], tables: { 'What was compared': ['What', 'Value', 'Meaning', 'Rule'] } },
    { path: `/why?url=${address('/private')}`, title: 'Why', texts: ['Miss'] },
    { name: '/why/ID', path: () => `/why/${request('/')}`, title: /^Request [0-9a-z]{13}$/, texts: ['What was recorded', `http://${site}/`] },
    { name: '/why/ID of what was not stored', path: () => `/why/${request('/private')}`, title: /^Request/, texts: ['The smallest change'] },
    { path: '/why/0000000000000', title: 'Not Found', status: 404, texts: ['is not known'] },
    { path: '/cache', title: 'Cache', texts: ['Keys in memory', `http://${site}/app.js`], tables: { 'Stored answers': ['Address', 'Size', 'Hits', 'Age', 'Fresh for'] } },
    { path: '/cache?q=none', title: 'Cache' },
    { path: `/cache/object?key=${address('/app.js')}`, title: 'Stored answer', texts: ['max-age=3600', 'text/javascript', 'Purge'] },
    { path: '/cache/misses', title: 'Top misses', texts: [`http://${site}/private`] },
    { path: '/cache/purge', title: 'Purge', texts: ['Nothing is to be named for everything.', 'Softly: keep it'] },
    { path: '/origins', title: 'Origins & sites', texts: ['http://127.0.0.1:'], tables: { 'Sites and routes': ['Site', 'Path', 'Serves'], Origins: ['Origin', 'Route', 'Circuit'] } },
    { path: '/check', title: 'Check', texts: ['Address'] },
    { path: '/check?url=nonsense:', title: 'Check' },
    { path: '/config', title: 'Configuration', texts: ['max-head-bytes', '--data'], tables: { 'Configuration in force': ['Of', 'Parameter', 'Value', 'From'] } },
    { path: '/jobs', title: 'Jobs' },
    { path: '/servers', title: 'Servers' },
    { path: '/messages', title: 'Messages' },
    { path: '/login', title: 'Token', texts: ['.token'] },
    { path: '/none', title: 'Not Found', status: 404 },
  ],
  () => browser,
  () => base,
);

test('a click on a request leads to why it was answered so', async (t) => {
  for (const options of [windows.desktop, windows.plain]) {
    const { page } = await open(t, browser, `${base}/requests?verdict=hit&reload=off`, options);
    await page.getByRole('region', { name: 'Latest requests' }).getByRole('link', { name: '/app.js' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Request' }).waitFor();
    const main = await page.getByRole('main').innerText();
    assert.match(main, /RFC 9111/);
    await page.getByRole('link', { name: 'What would happen now' }).click();
    await page.getByRole('heading', { level: 1, name: 'Why' }).waitFor();
    assert.equal(await page.getByLabel('Address').inputValue(), `http://${site}/app.js`);
  }
});

test('requests appear as they come, those that fit the filter', async (t) => {
  const { page, complaints } = await open(t, browser, `${base}/requests?status=5xx`);
  await page.getByRole('status').getByText('live', { exact: true }).waitFor();
  await ask('/fine');
  await ask('/bad/live');
  const rows = page.locator('#requests tbody tr');
  await rows.getByText('/bad/live').waitFor();
  assert.match(await rows.first().innerText(), /503/);
  assert.equal(await rows.getByText('/fine').count(), 0);
  assert.deepEqual(complaints, []);
});

test('the overview counts', async (t) => {
  const { page, complaints } = await open(t, browser, `${base}/`);
  await page.getByRole('status').getByText('live', { exact: true }).waitFor();
  const total = page.locator('[data-live=requests_total] .number');
  const before = Number((await total.innerText()).replaceAll(',', ''));
  for (let i = 0; i < 5; i++) await ask('/');
  await page.waitForFunction((n) => Number(document.querySelector('[data-live=requests_total] .number').textContent.replaceAll(',', '')) >= n, before + 5);
  await page.locator('#requests .u-over').waitFor();
  assert.deepEqual(complaints, []);
});

test('what is stored can be found and purged by whoever has the token', async (t) => {
  for (const options of [windows.desktop, windows.plain]) {
    await ask('/purge/me');
    await listed('/purge/me');
    const { page, complaints } = await open(t, browser, `${base}/cache?q=/purge/&reload=off`, options);
    await page.getByRole('link', { name: `http://${site}/purge/me` }).first().click();
    await page.getByRole('button', { name: 'Purge …' }).click();
    await page.getByRole('button', { name: 'Purge', exact: true }).click();

    // Who has not shown the token is asked for it, and sends the purge again.
    await page.getByRole('heading', { level: 1, name: 'Token' }).waitFor();
    const file = (await page.getByRole('main').innerText()).match(/\S+\.token/)[0];
    assert.ok(file.startsWith(join(data, '')));
    await page.getByLabel('Token').fill('wrong, I guess');
    await page.getByRole('button').click();
    await page.getByText('That is not the token.').waitFor();
    await page.getByLabel('Token').fill(readFileSync(file, 'utf8').trim());
    await page.getByRole('button').click();
    await page.getByRole('heading', { level: 1, name: 'Purge' }).waitFor();
    await page.getByRole('button', { name: 'Purge', exact: true }).click();
    await page.getByText('1 answer was forgotten.').waitFor();
    assert.equal((await table('/cache.json?q=/purge/')).total, 0);
    assert.deepEqual(complaints.filter((c) => !/40[13]/.test(c)), []);
  }
});

test('a table of a page is there as JSON and CSV, sorted and filtered like the page', async (t) => {
  const { page } = await open(t, browser, `${base}/requests?status=2xx`);
  await page.getByRole('columnheader', { name: 'Size' }).getByRole('link').click();
  await page.waitForURL(/sort=/);
  const shown = await page.locator('#requests tbody tr td:nth-child(6)').allInnerTexts();
  const json = await page.getByRole('link', { name: 'JSON' }).first().getAttribute('href');
  assert.deepEqual((await table(json)).rows.map((r) => r.target).slice(0, 5), shown.slice(0, 5));
  const csv = await (await fetch(base + await page.getByRole('link', { name: 'CSV' }).first().getAttribute('href'))).text();
  assert.equal(csv.trim().split('\r\n').length, 1 + (await table(json)).rows.length);
});

test('a page of another site learns nothing', async (t) => {
  const stranger = http.createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>stranger'));
  await new Promise((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  t.after(() => stranger.close());
  const { page } = await open(t, browser, `http://localhost:${stranger.address().port}/`);
  const got = await page.evaluate(async (url) => {
    const reads = await fetch(url).then((r) => r.text(), (e) => String(e));
    const framed = await new Promise((resolve) => {
      const frame = Object.assign(document.createElement('iframe'), { src: url });
      frame.onload = () => { try { resolve(frame.contentDocument?.body.innerText ?? ''); } catch { resolve(''); } };
      document.body.append(frame);
    });
    const events = await new Promise((resolve) => {
      const source = new EventSource(`${url}events?page=overview`);
      source.onopen = () => resolve('open');
      source.onerror = () => resolve('refused');
    });
    return { reads, framed, events };
  }, `${base}/`);
  assert.match(got.reads, /Failed to fetch/);
  assert.equal(got.framed, '');
  assert.equal(got.events, 'refused');
});

test('the monitor passes freshet check', async () => {
  const page = await (await fetch(`${base}/`, { headers: { Accept: 'text/html' } })).text();
  const assets = page.match(/\/assets\/[^"]+/g);
  assert.ok(assets.length >= 5);
  for (const path of ['/', '/requests', '/requests.json', '/requests.csv', '/cache', '/config', '/metrics', '/login', ...new Set(assets)]) {
    const { stdout } = await run(program, ['check', base + path]);
    assert.match(stdout, /^0 bad, 0 warnings/m, stdout);
  }
});

test('a folder has a monitor, too, behind a token where one is set', async (t) => {
  const folder = scratch();
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'open sesame\n');
  writeFileSync(join(folder, 'index.html'), '<h1>hello');
  const args = ['serve', folder, '--listen', '127.0.0.1:0', '--monitor', '127.0.0.1:0', '--monitor-token', secret, '--access-log', 'off'];
  const served = await start(program, args, /on http:\/\/127\.0\.0\.1:(\d+)\/[^]*monitor on (\S+)\//);
  t.after(() => served.stop());
  const [, files, monitor] = served.match;
  await fetch(`http://127.0.0.1:${files}/`);
  for (const options of [windows.desktop, windows.plain]) {
    const { page, answer } = await open(t, browser, `${monitor}/requests?host=127`, options);
    assert.equal(answer.status(), 401);
    await page.getByLabel('Token').fill('open sesame');
    await page.getByRole('button').click();
    await page.getByRole('heading', { level: 1, name: 'Requests' }).waitFor();
    assert.match(page.url(), /\/requests\?host=127$/);
    await page.locator('#requests tbody tr').filter({ hasText: /200\s*file\s*GET\s*127\.0\.0\.1/ }).first().waitFor();
    if (options.javaScriptEnabled !== false) await page.getByRole('status').getByText('live', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Cache' }).click();
    await page.getByText('There is no cache').waitFor();
    await page.getByRole('link', { name: 'Origins & sites' }).click();
    assert.match(await page.getByRole('main').innerText(), new RegExp(folder));
  }
});
