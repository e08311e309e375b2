// The pages of jobs, with a queue that has jobs in several states.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { launch } from './browser.mjs';
import { everyPage } from './pages.mjs';
import { build, scratch, start, until } from './server.mjs';

const run = promisify(execFile);
const data = scratch();
const folder = scratch();
const busy = join(folder, 'busy'); // while it is there, a program does not end
let browser;
let program;
let server;
let base; // of the monitor
const id = {};
let fields;
const columns = ['Job', 'Name', 'State', 'Done', 'Tasks', 'Running', 'Failed'];
const tasks = ['Task', 'State', 'Done', 'Run', 'Server', 'Took'];

/** freshet runs a command, of two words and more, against the server, and returns what it prints. */
const freshet = async (group, word, ...args) => (await run(program, [group, word, '--data', data, ...args])).stdout.trim();

/** submit submits a job, and returns its ID. The command is behind --. */
const submit = (...args) => freshet('job', 'submit', ...args);

/** table gets a table of the monitor as programs do. */
async function table(path) {
  const answer = await fetch(base + path);
  assert.equal(answer.status, 200, path);
  return (await answer.json()).rows;
}

before(async () => {
  for (const dir of [data, folder]) chmodSync(dir, 0o755); // for whom programs run as
  writeFileSync(busy, '');
  program = build('..', './cmd/freshet', 'freshet');
  const args = ['serve', folder, '--listen', '127.0.0.1:0', '--monitor', '127.0.0.1:0', '--data', data, '--access-log', 'off', '--jobs', '3'];
  server = await start(program, args, /monitor on (\S+)\/[^]*jobs: /, { env: { ...process.env, HOME: scratch() } });
  [, base] = server.match;
  browser = await launch();
  const secret = readdirSync(data).find((name) => name.endsWith('.token'));
  fields = { Authorization: `Bearer ${readFileSync(join(data, secret), 'utf8').trim()}` };
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
  await server?.stop();
});

everyPage(
  [
    { path: '/jobs', title: 'Jobs', live: true, texts: ['good <b>', 'failed', 'running', 'paused', 'cancelled', '1,000,000'], tables: { Jobs: columns } },
    { path: '/jobs?state=failed', title: 'Jobs', texts: ['3 of 3 tasks failed'], tables: { Jobs: columns } },
    { path: '/jobs/job?id=none', title: 'Not Found', status: 404, texts: ['There is no such job'] },
    { name: '/jobs/job that runs', path: () => `/jobs/job?id=${id.busy}`, title: /^Job /, live: true, texts: ['drawing', 'Cancel …', 'Pause …'], tables: { Tasks: tasks } },
    { name: '/jobs/job that failed', path: () => `/jobs/job?id=${id.bad}`, title: /^Job /, texts: ['exit status 3', 'Run again …'], tables: { Tasks: tasks } },
    { name: '/jobs/job that waits', path: () => `/jobs/job?id=${id.after}`, title: /^Job /, live: true, texts: ['1-1000000', 'Next →'], tables: { Tasks: tasks } },
    { name: '/jobs/act', path: () => `/jobs/act?id=${id.busy}&do=cancel`, title: 'Cancel', texts: ['End what runs'] },
    { name: '/jobs/log', path: () => `/jobs/log?id=${id.good}&task=0`, fields: () => fields, title: 'Output of task 0', texts: ['<script>alert(1)</script>'] },
    { name: '/jobs/log of nothing', path: () => `/jobs/log?id=${id.silent}&task=0`, fields: () => fields, title: 'Output of task 0', texts: ['It has written nothing.'] },
    { name: '/jobs/log of one that runs', path: () => `/jobs/log?id=${id.busy}&task=0`, fields: () => fields, title: 'Output of task 0', texts: ['begun'] },
    { name: '/jobs/log without the token', path: () => `/jobs/log?id=${id.good}&task=0`, status: 401, title: 'Token' },
    { path: '/servers', title: 'Servers', live: true, tables: { Servers: ['Server', 'State', 'Load', 'Memory', 'Disk', 'Tasks', 'At most', 'Finished', 'Lost', 'Hits'] } },
    { name: '/servers/server', path: () => `/servers/server?name=${hostname()}`, title: `Server ${hostname()}`, texts: ['the hub of its fleet', 'Lock …', 'Drain …'] },
    { path: '/servers/server?name=none', title: 'Not Found', status: 404, texts: ['There is no such server'] },
    { name: '/servers/act', path: () => `/servers/act?name=${hostname()}&do=drain`, title: 'Drain', texts: ['Take no further tasks'] },
  ],
  () => browser,
  () => base,
);
