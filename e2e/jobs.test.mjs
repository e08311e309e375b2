// Jobs on several machines: freshet serve --jobs --fleet, three workers, frames
// that ImageMagick draws, and a worker that is lost in the middle.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { audit, launch, open, windows } from './browser.mjs';
import { jobServer } from './jobserver.mjs';
import { scratch, start, until } from './server.mjs';

const names = ['anna', 'bert', 'cleo'];
const server = jobServer();
const { data, folder, freshet, submit, table } = server;
const hold = join(folder, 'hold'); // while it is there, programs do not end
const fleet = {};
let browser;
let base; // of the monitor

// The one that is beside identify: there are other programs called convert.
const convert = join(dirname(execFileSync('sh', ['-c', 'command -v identify'], { encoding: 'utf8' })), 'convert');

before(async () => {
  writeFileSync(hold, '');
  writeFileSync(join(folder, 'index.html'), '<h1>hello');
  await server.start(/monitor on (\S+)\/[^]*fleet on (\S+);/, '--jobs', '1', '--fleet', '127.0.0.1:0');
  base = server.base;
  browser = await launch();
  for (const name of names) {
    const home = scratch();
    writeFileSync(join(home, 'token'), await freshet('worker', 'invite', name), { mode: 0o600 });
    fleet[name] = await start(server.program, ['worker', '--join-file', join(home, 'token'), '--tasks', '1'], /^worker \w+: /m, { env: { ...process.env, HOME: home } });
  }
});
after(async () => {
  rmSync(hold, { force: true });
  await browser?.close();
  for (const worker of Object.values(fleet)) await worker.stop();
  await server.stop();
});

test('all frames are drawn, though a worker is lost in the middle', async (t) => {
  const frames = 12;
  const draw = '"$0" -size 160x90 -seed "$1" plasma:fractal "$2"; while [ -e "$3" ]; do sleep 0.1; done';
  const id = await submit('--name', 'plasma', '--array', `1-${frames}`, '--output', '*.png', '--', 'sh', '-c', draw, convert, '{frame}', '{frame:04}.png', hold);

  // Each of the four has one; none can end it. Then one is lost.
  const running = () => table(`/jobs/tasks.json?id=${id}&state=running`);
  await until(async () => new Set((await running()).map((r) => r.worker)).size, 1 + names.length);
  const lost = (await running()).find((r) => r.worker === 'bert').task;
  const number = (page, name) => page.locator('.stat').filter({ has: page.getByRole('link', { name, exact: true }) }).locator('.number');
  const watched = [];
  for (const options of [windows.desktop, windows.plain]) {
    const one = await open(t, browser, `${base}/jobs/job?id=${id}`, options);
    await number(one.page, 'Running').getByText('4', { exact: true }).waitFor();
    watched.push(one);
  }
  await fleet.bert.kill();
  rmSync(hold);

  // Its task comes back when its lease is over.
  for (const { page, complaints } of watched) {
    await number(page, 'Succeeded').getByText(String(frames), { exact: true }).waitFor();
    await number(page, 'Done').getByText('100', { exact: true }).waitFor();
    assert.equal(await number(page, 'Failed').innerText(), '0');
    await page.locator('#tasks tbody tr').filter({ hasText: 'succeeded' }).nth(frames - 1).waitFor();
    assert.deepEqual(complaints, []);
  }
  const tasks = await table(`/jobs/tasks.json?id=${id}`);
  assert.deepEqual(tasks.map((r) => [r.task, r.state]), Array.from({ length: frames }, (_, i) => [i + 1, 'succeeded']));
  const again = tasks.find((r) => r.task === lost);
  assert.ok(again.attempt >= 2);
  assert.notEqual(again.worker, 'bert');

  // The files are those that were drawn.
  const outputs = join(data, 'jobs', 'outputs', id);
  const files = readdirSync(outputs, { recursive: true }).filter((name) => name.endsWith('.png'));
  assert.deepEqual([...new Set(files.map((name) => name.slice(-8)))].sort(), Array.from({ length: frames }, (_, i) => `${String(i + 1).padStart(4, '0')}.png`));
  for (const name of files) {
    assert.equal(readFileSync(join(outputs, name)).subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n', name);
  }

  // They are shown to whoever has the token, and to nobody else.
  const token = server.token();
  for (const options of [windows.desktop, windows.plain]) {
    const { page, complaints } = await open(t, browser, `${base}/jobs/job?id=${id}`, options);
    await page.locator('#tasks').getByRole('link', { name: '1', exact: true }).click();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button').click();
    const picture = page.locator('#pictures img');
    await picture.waitFor();
    if (options === windows.desktop) {
      await page.waitForFunction(() => document.querySelector('#pictures img').naturalWidth === 160);
      assert.deepEqual(await audit(page), []);
    }
    const address = base + await picture.getAttribute('src');
    assert.equal((await fetch(address)).status, 401);
    const shown = await page.request.get(address);
    assert.deepEqual([shown.status(), shown.headers()['content-type'], shown.headers()['x-content-type-options']], [200, 'image/png', 'nosniff']);
    assert.equal((await page.request.get(address, { headers: { 'If-None-Match': shown.headers().etag } })).status(), 304);
    assert.deepEqual(complaints.filter((c) => !/401/.test(c)), []);
    await page.locator('#files').getByRole('link', { name: '0001.png' }).click(); // what Chromium draws around a picture is not allowed to
    await page.waitForURL(address);
  }

  // It is in the list, and so is who has done how much.
  const [job] = await table('/jobs.json?name=plasma');
  assert.deepEqual([job.job, job.state, job.done, job.tasks], [id, 'succeeded', 100, frames]);
  const servers = await table('/servers.json');
  assert.equal(servers.reduce((n, r) => n + r.finished, 0), frames);
  assert.ok(servers.reduce((n, r) => n + r.lost, 0) >= 1);
  const { page } = await open(t, browser, `${base}/servers`);
  const shown = await page.getByRole('region', { name: 'Servers', exact: true }).innerText();
  for (const name of ['anna', 'cleo']) assert.match(shown, new RegExp(name));
});
