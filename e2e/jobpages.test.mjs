// The pages of jobs, with a queue that has jobs in several states.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open, windows } from './browser.mjs';
import { jobServer } from './jobserver.mjs';
import { everyPage } from './pages.mjs';
import { until } from './server.mjs';

const server = jobServer();
const { freshet, submit, table } = server;
const busy = join(server.folder, 'busy'); // while it is there, a program does not end
let browser;
const id = {};
let fields;
const columns = ['Job', 'Name', 'State', 'Done', 'Tasks', 'Running', 'Failed'];
const tasks = ['Task', 'State', 'Done', 'Run', 'Server', 'Took'];

before(async () => {
  writeFileSync(busy, '');
  await server.start(/monitor on (\S+)\/[^]*jobs: /, '--jobs', '3');
  browser = await launch();
  fields = { Authorization: `Bearer ${server.token()}` };
  id.good = await submit('--name', 'good <b>', '--', 'echo', '<script>alert(1)</script>');
  id.bad = await submit('--array', '1-3', '--', 'sh', '-c', 'echo no >&2; exit {frame}');
  id.silent = await submit('--', 'true');
  for (const name of ['good', 'bad', 'silent']) await freshet('job', 'wait', id[name]).catch(() => {});
  id.busy = await submit('--name', 'busy', '--', 'sh', '-c', 'echo progress 0.4 drawing >&3; echo begun; while [ -e "$0" ]; do sleep 0.1; done', busy);
  id.after = await submit('--name', 'later', '--after', id.busy, '--array', '1-1000000', '--', 'true');
  id.paused = await submit('--name', 'paused', '--need', 'gpu', '--env', 'KEY=secret', '--', 'true');
  await freshet('job', 'pause', id.paused);
  id.cancelled = await submit('--name', 'cancelled', '--need', 'gpu', '--', 'true');
  await freshet('job', 'cancel', id.cancelled);
  await until(async () => (await table(`/jobs/tasks.json?id=${id.busy}`))[0].result, 'drawing');
});
after(async () => {
  rmSync(busy, { force: true });
  await browser?.close();
  await server.stop();
});

everyPage(
  [
    { path: '/jobs', title: 'Jobs', live: true, texts: ['good <b>', 'failed', 'running', 'paused', 'cancelled', '1,000,000'], tables: { Jobs: columns } },
    { path: '/jobs?state=failed', title: 'Jobs', texts: ['3 of 3 tasks failed'], tables: { Jobs: columns } },
    { path: '/jobs/job?id=none', title: 'Not Found', status: 404, texts: ['There is no such job'] },
    { name: '/jobs/job that runs', path: () => `/jobs/job?id=${id.busy}`, title: /^Job /, live: true, texts: ['drawing', 'Cancel …', 'Pause …'], tables: { Tasks: tasks } },
    { name: '/jobs/job that failed', path: () => `/jobs/job?id=${id.bad}`, title: /^Job /, texts: ['exit status 3', 'Run again …', '1-3 failed', 'Search in its output'], tables: { Tasks: tasks } },
    { name: '/jobs/job that waits', path: () => `/jobs/job?id=${id.after}`, title: /^Job /, live: true, texts: ['1-1000000', 'Next →', 'Each cell is up to 4,096 tasks', 'Comes after'], tables: { Tasks: tasks } },
    { name: '/jobs/tasks', path: () => `/jobs/tasks?id=${id.bad}&tasks=2-3&state=failed`, title: /^Tasks of job /, texts: ['exit status 2', 'exit status 3'], tables: { Tasks: tasks } },
    { path: '/jobs/act?do=cancel&all=1&name=later', title: 'Cancel: 1 job', texts: ['End what runs', 'later'], tables: { Jobs: columns } },
    { name: '/jobs/act', path: () => `/jobs/act?id=${id.busy}&do=cancel`, title: 'Cancel', texts: ['End what runs'] },
    { name: '/jobs/log', path: () => `/jobs/log?id=${id.good}&task=0`, fields: () => fields, title: 'Output of task 0', texts: ['<script>alert(1)</script>'] },
    { name: '/jobs/log of nothing', path: () => `/jobs/log?id=${id.silent}&task=0`, fields: () => fields, title: 'Output of task 0', texts: ['It has written nothing.'] },
    { name: '/jobs/log of one that runs', path: () => `/jobs/log?id=${id.busy}&task=0`, fields: () => fields, title: 'Output of task 0', texts: ['begun'] },
    { name: '/jobs/log?q=', path: () => `/jobs/log?id=${id.bad}&q=NO`, fields: () => fields, title: /^Search in job /, texts: ['no'], tables: { Lines: ['Task', 'Line', 'Text'] } },
    { path: '/messages', title: 'Messages', texts: ['log_jobs', 'nothing can be published by hand'], tables: { Streams: ['Stream', 'Entries', 'Size', 'Oldest', 'Latest'], Consumers: ['Consumer', 'Stream', 'Depth', 'Lag'], 'Dead letters': ['Job', 'Name', 'Tasks', 'Ended', 'Reason'] } },
    { path: '/messages/entry?stream=log_jobs&number=2&as=hex', fields: () => fields, title: 'Message 2 of log_jobs', texts: ['freshet.log.jobs', 'Next →', '00000000'] },
    { path: '/messages/entry?stream=log_jobs&number=2', status: 401, title: 'Token' },
    { name: '/jobs/log without the token', path: () => `/jobs/log?id=${id.good}&task=0`, status: 401, title: 'Token' },
    { path: '/servers', title: 'Servers', live: true, tables: { Servers: ['Server', 'State', 'Load', 'Memory', 'Disk', 'Tasks', 'At most', 'Finished', 'Lost', 'Hits'] } },
    { name: '/servers/server', path: () => `/servers/server?name=${hostname()}`, title: `Server ${hostname()}`, texts: ['the hub of its fleet', 'Lock …', 'Drain …'] },
    { path: '/servers/server?name=none', title: 'Not Found', status: 404, texts: ['There is no such server'] },
    { name: '/servers/act', path: () => `/servers/act?name=${hostname()}&do=drain`, title: 'Drain', texts: ['Take no further tasks'] },
  ],
  () => browser,
  () => server.base,
);

test('on a phone the states of jobs can be read beside what picks them', async (t) => {
  const { page } = await open(t, browser, `${server.base}/jobs`, { viewport: { width: 390, height: 844 }, hasTouch: true });
  const [rows, hidden] = await page.locator('#jobs').evaluate((section) => {
    const found = [...section.querySelectorAll('tbody tr')];
    const right = (tr) => tr.querySelector('.badge > *').getBoundingClientRect().right;
    return [found.length, found.filter((tr) => right(tr) > tr.querySelector('.act').getBoundingClientRect().left).map((tr) => tr.innerText)];
  });
  assert.ok(rows >= 7);
  assert.deepEqual(hidden, []);
});

test('jobs that are picked are paused, and go on', async (t) => {
  const ids = [await submit('--name', 'one', '--need', 'gpu', '--', 'true'), await submit('--name', 'two', '--need', 'gpu', '--', 'true')];
  const states = async () => (await table('/jobs.json')).filter((r) => ids.includes(r.job)).map((r) => r.state).join(' ');
  for (const [options, button, done, want] of [[windows.plain, 'Pause …', 'Pause', 'paused paused'], [windows.desktop, 'Go on …', 'Go on', 'queued queued']]) {
    const { page, complaints } = await open(t, browser, `${server.base}/jobs`, { ...options, extraHTTPHeaders: fields });
    for (const id of ids) await page.getByRole('checkbox', { name: `Pick ${id}` }).check();
    await page.getByRole('button', { name: button }).click();
    await page.getByRole('heading', { name: `${done}: 2 jobs` }).waitFor();
    await page.getByRole('button', { name: done, exact: true }).click();
    await page.getByRole('heading', { name: 'Done', level: 1 }).waitFor();
    await until(states, want);
    assert.deepEqual(complaints, []);
  }
});
