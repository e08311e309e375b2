// The page of programs: freshet serve --cgi, and its monitor.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open, windows } from './browser.mjs';
import { everyPage } from './pages.mjs';
import { build, scratch, start, until } from './server.mjs';

const folder = scratch();
const data = scratch();
let browser;
let server;
let base; // of the monitor
let port; // of the folder

// Ends when it is told to, or after ten minutes.
const slow = `#!/bin/sh
echo Content-Type: text/plain
echo
echo begun
echo "slow speaks" >&2
exec sleep 600
`;

/** running waits until so many programs run. */
const running = (n) => until(async () => (await (await fetch(`${base}/programs.json`)).json()).total, n);

/** ask asks for the slow program; the result is told how the answer ends. */
function ask(query) {
  return new Promise((begun, failed) => {
    http.get({ host: '127.0.0.1', port, path: `/cgi-bin/slow?${query}`, agent: false }, (answer) => {
      const ended = new Promise((end) => {
        answer.resume().on('end', () => end('whole')).on('error', () => end('cut'));
      });
      begun({ answer, ended });
    }).on('error', failed);
  });
}

before(async () => {
  chmodSync(folder, 0o755); // for whom programs run as
  mkdirSync(join(folder, 'cgi-bin'), { mode: 0o755 });
  writeFileSync(join(folder, 'cgi-bin', 'slow'), slow, { mode: 0o755 });
  writeFileSync(join(folder, 'index.html'), '<h1>hello');
  const args = ['serve', folder, '--cgi', '/cgi-bin', '--cgi-timeout', 'off', '--listen', '127.0.0.1:0', '--monitor', '127.0.0.1:0', '--data', data, '--access-log', 'off'];
  server = await start(build('..', './cmd/freshet', 'freshet'), args, /on http:\/\/127\.0\.0\.1:(\d+)\/[^]*monitor on (\S+)\//);
  [, port, base] = server.match;
  browser = await launch();
  await ask(`stays=${encodeURIComponent('<b>')}`);
  await running(1);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

everyPage(
  [
    {
      path: '/programs', title: 'Programs', live: true, texts: ['Running', 'Waiting', '/cgi-bin/slow?stays=%3Cb%3E', 'slow speaks', 'Stop …'],
      tables: { 'Running now': ['Program', 'Method', 'Address', 'Client', 'Runs for', 'Sent', 'CPU', 'Memory', 'Said last', 'Request', 'Kind', 'Process', 'Route', 'Stop'], 'Routes with programs': ['Route', 'Kind', 'Running', 'Waiting'] },
    },
    { path: '/programs?sort=age', title: 'Programs', texts: ['/cgi-bin/slow'] },
    { path: '/programs/stop?run=99', title: 'Not Found', status: 404, texts: ['does not run any more'] },
  ],
  () => browser,
  () => base,
);

test('a program that runs for long appears, and can be stopped by whoever has the token', async (t) => {
  let n = 0;
  for (const options of [windows.desktop, windows.plain]) {
    const query = `stop=${n++}`;
    const live = options.javaScriptEnabled !== false;
    const { page, complaints } = await open(t, browser, `${base}/programs?reload=off`, options);
    if (live) await page.getByRole('status').getByText('live', { exact: true }).waitFor();
    const { answer, ended } = await ask(query);
    assert.equal(answer.statusCode, 200);
    await running(2);
    const row = page.locator('#programs tbody tr').filter({ hasText: query });
    const said = row.getByText('slow speaks');
    if (live) await said.waitFor();
    else await until(async () => (await page.reload(), said.count()), 1);
    if (live) {
      // What is live leaves the focus where it is.
      await row.getByRole('link', { name: 'Stop …' }).focus();
      const age = await row.locator('td').nth(4).innerText();
      await page.waitForFunction(([q, was]) => [...document.querySelectorAll('#programs tbody tr')].some((tr) => tr.textContent.includes(q) && tr.cells[4].innerText !== was), [query, age]);
      assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Stop …');
    }
    await row.getByRole('link', { name: 'Stop …' }).click();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();

    // Who has not shown the token is asked for it, and says so again.
    await page.getByRole('heading', { level: 1, name: 'Token' }).waitFor();
    const file = (await page.getByRole('main').innerText()).match(/\S+\.token/)[0];
    await page.getByLabel('Token').fill(readFileSync(file, 'utf8').trim());
    await page.getByRole('button').click();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText('was told to end').waitFor();
    assert.equal(await ended, 'cut');
    await running(1);
    await page.getByRole('main').getByRole('link', { name: 'Programs' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Programs' }).waitFor();
    assert.equal(await page.locator('#programs tbody tr').filter({ hasText: query }).count(), 0);
    assert.deepEqual(complaints.filter((c) => !/401/.test(c)), []);
  }
});

test('the navigation has programs where there are some', async (t) => {
  const { page } = await open(t, browser, `${base}/`);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Programs' }).click();
  await page.getByRole('heading', { level: 1, name: 'Programs' }).waitFor();
});
