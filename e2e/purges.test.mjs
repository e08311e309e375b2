// Purges of a fleet and their pages: a hub, a further cache, and one that is away.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, open, windows } from './browser.mjs';
import { everyPage } from './pages.mjs';
import { build, scratch, start, until } from './server.mjs';

const run = promisify(execFile);
const site = 'www.example.test';
const data = scratch();
const servers = [];
let browser;
let origin;
let hub;
let base; // of the hub's monitor
let receipt; // the ID of a purge

/** freshet runs a command against the hub, and returns what it prints. */
const freshet = async (...args) => (await run(hub.program, [...args, '--data', data])).stdout.trim();

/** cache starts a proxy before the origin; more are arguments and variables of the environment. */
async function cache(program, folder, ready, args, variables) {
  const to = `http://127.0.0.1:${origin.address().port}`;
  const env = { ...process.env, HOME: scratch(), ...variables };
  const server = await start(program, ['proxy', '--to', to, '--listen', '127.0.0.1:0', '--data', folder, '--access-log', 'off', ...args], ready, { env });
  servers.push(server);
  return server;
}

/** ask sends a request through a proxy. */
function ask(server) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port: server.match[1], path: '/', headers: { Host: site }, agent: false }, (answer) => {
      answer.resume().on('end', resolve).on('error', reject);
    }).on('error', reject);
  });
}

/** rows gets a table of the monitor as programs do. */
async function rows(path) {
  const answer = await fetch(base + path);
  assert.equal(answer.status, 200, path);
  return (await answer.json()).rows;
}

before(async () => {
  origin = http.createServer((_, response) => response.writeHead(200, { 'Cache-Control': 'max-age=600', 'Cache-Tag': 'front' }).end('hello'));
  await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const program = build('..', './cmd/freshet', 'freshet');
  hub = await cache(program, data, /on http:\/\/127\.0\.0\.1:(\d+)\/[^]*monitor on (\S+)\/[^]*fleet on \S+;/, ['--monitor', '127.0.0.1:0', '--fleet', '127.0.0.1:0']);
  hub.program = program;
  base = hub.match[2];
  browser = await launch();
  const members = {};
  for (const name of ['near', 'gone']) {
    const token = await freshet('worker', 'invite', name);
    members[name] = await cache(program, scratch(), /^(?=[^]*on http:\/\/127\.0\.0\.1:(\d+)\/)(?=[^]*fleet: joined as )/, [], { FRESHET_JOIN: token });
  }
  for (const server of [hub, members.near]) await ask(server);
  await members.gone.kill();
  servers.splice(servers.indexOf(members.gone), 1);
  const state = async (name) => (await rows('/servers.json')).find((r) => r.server === name)?.state;
  await until(() => state('gone'), 'away');
  await freshet('purge', '--tag', 'front');
  [{ id: receipt }] = await rows('/purges.json');
  await until(async () => (await rows(`/purges/receipt.json?id=${receipt}`)).map((r) => [r.node, r.state, r.counting]).sort(), [['gone', 'away', ''], ['near', 'done', ''], [hostname(), 'done', '']].sort());
});
after(async () => {
  await browser?.close();
  for (const server of servers.reverse()) await server.stop();
  origin?.close();
});

everyPage(
  [
    { path: '/purges', title: 'Purges', texts: ['tag front', 'gone'], tables: { Purges: ['Time', 'What', 'How', 'Answers', 'Freed', 'State', 'Swept', 'Receipt', 'Servers', 'Missing at', 'Undo'] } },
    {
      name: '/purges/receipt', path: () => `/purges/receipt?id=${receipt}`, title: /^Purge \w+$/, texts: ['Not applied everywhere', 'Away: gone', 'tag front', hostname(), 'near'],
      tables: { Servers: ['Server', 'State', 'Away since', 'Answers', 'Freed', 'Counting', 'Applied', 'Fault'] },
    },
    { path: '/purges/receipt?id=none', title: 'Not Found', status: 404, texts: ['There is no such receipt'] },
    { path: '/servers', title: 'Servers', live: true, texts: ['near', 'gone', 'away'] },
    { path: '/servers/server?name=near', title: 'Server near', texts: ['Purges', 'Clock'] },
    { path: '/servers/server?name=gone', title: 'Server gone', texts: ['away'] },
  ],
  () => browser,
  () => base,
);

test('what is purged by the page is purged on all servers, and its receipt says where not', async (t) => {
  const token = readFileSync(join(data, readdirSync(data).find((name) => name.endsWith('.token'))), 'utf8').trim();
  for (const options of [windows.desktop, windows.plain]) {
    const { page, complaints } = await open(t, browser, `${base}/cache/purge`, { ...options, extraHTTPHeaders: { Authorization: `Bearer ${token}` } });
    await page.getByLabel('By').selectOption('tag');
    await page.getByLabel('What').fill('front');
    await page.getByRole('button', { name: 'Purge', exact: true }).click();
    await page.getByText('Away: gone').waitFor();
    const [{ id }] = await rows('/purges.json');
    await until(async () => (await rows(`/purges/receipt.json?id=${id}`)).find((r) => r.node === 'near').state, 'done');
    await page.goto(`${base}/purges?reload=off`);
    await page.locator('#purges').getByRole('link', { name: /^\d{4}-/ }).first().click();
    await page.getByRole('heading', { level: 1, name: `Purge ${id}` }).waitFor();
    await page.locator('tr').filter({ hasText: 'near' }).getByText('done').waitFor();
    await page.locator('tr').filter({ hasText: 'gone' }).getByText('away').waitFor();
    assert.deepEqual(complaints, []);
  }
});
