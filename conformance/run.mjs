#!/usr/bin/env node
// Runs the public HTTP cache suite against a cache: starts the suite's origin
// and, in front of it, the cache; runs every test; compares what passed with
// what is expected to. README.md says what is expected and why.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CannotRun, endAll, freePort, runDriver, startCache, startOrigin } from './processes.mjs';
import { prepare } from './suite.mjs';
import { compareRuns, describe, expectations, judge, kinds, summary, unasked } from './verdict.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);

const usage = `usage: conformance/run.mjs [options]

  --suite DIR|npm    a checkout of http-tests/cache-tests, a folder that holds the
                     npm package, or "npm": install that package (the default)
  --profile NAME     standard (the default) or safe: the profile that freshet runs
                     with, and what is expected of it
  --private          the cache of package client, which is one user's, with the
                     suite's selection for browsers
  --folder           then in a folder, not in memory
  --freshet FILE     the binary (default bin/freshet); with --private,
                     conformance/privateproxy (default bin/privateproxy)
  --cmd COMMAND      another cache instead; {port} and {origin} are replaced by port
                     numbers on 127.0.0.1. It must stay in the foreground. Nothing
                     is expected of it: the figures are printed
  --id ID            run this test only, and show every message (may be repeated)
  --only REGEXP      run the tests whose suite-id/test-id matches
  --chunk N          tests at once (default 100); more are quicker, and need an idle machine
  --repeat N         run everything N times and say which tests differ
  --out FILE         write the results there, in the suite's own shape, and the
                     summary beside it (.txt)
  --update           write them to docs/results, where later runs look for drops
  --work DIR         keep what is installed there (default: freshet-conformance in
                     the user's folder for caches)

exit: 0 as expected, 1 not as expected, 2 could not run`;

function options() {
  const { values } = parseArgs({
    options: {
      suite: { type: 'string', default: 'npm' },
      profile: { type: 'string', default: 'standard' },
      private: { type: 'boolean', default: false },
      folder: { type: 'boolean', default: false },
      freshet: { type: 'string' },
      cmd: { type: 'string' },
      id: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', default: '' },
      chunk: { type: 'string', default: '100' },
      repeat: { type: 'string', default: '1' },
      out: { type: 'string' },
      update: { type: 'boolean', default: false },
      work: { type: 'string', default: process.env.XDG_CACHE_HOME
        ? path.join(process.env.XDG_CACHE_HOME, 'freshet-conformance')
        : path.join(os.homedir(), '.cache', 'freshet-conformance') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  for (const name of ['chunk', 'repeat']) {
    values[name] = Number(values[name]);
    if (!Number.isInteger(values[name]) || values[name] < 1) throw new CannotRun(`--${name} takes a number`);
  }
  if (!['standard', 'safe'].includes(values.profile)) throw new CannotRun(`no profile ${values.profile}`);
  values.freshet ??= path.join(root, 'bin', values.private ? 'privateproxy' : 'freshet');
  if (values.private) values.profile = values.folder ? 'private-folder' : 'private';
  else if (values.folder) throw new CannotRun('--folder is for --private');
  values.single = values.id.length > 0 || values.only !== '';
  if (values.single && (values.update || values.out)) throw new CannotRun('a part of the suite makes no results to keep');
  if (values.cmd && values.update) throw new CannotRun('docs/results holds what freshet does');
  return values;
}

// resultsFile is where the committed results of a kind of run are.
function resultsFile(layout, profile) {
  const parts = ['cache-tests', layout === 'package' ? 'npm' : '', profile === 'standard' ? '' : profile];
  return path.join(root, 'docs', 'results', `${parts.filter(Boolean).join('-')}.json`);
}

// commandOf is what is started for a run of our own cache.
function commandOf(o, origin, listen, temporary) {
  if (!o.private) return [o.freshet, 'proxy', '--to', origin, '--listen', listen, '--profile', o.profile];
  const folder = o.folder ? ['--folder', fs.mkdtempSync(path.join(temporary, 'cache-'))] : [];
  return [o.freshet, '--to', origin, '--listen', listen, ...folder];
}

// once runs the chosen tests against a cache that holds nothing yet.
async function once(o, suite, temporary, ids = o.id) {
  const origin = await startOrigin(suite, temporary, o.id.length > 0);
  const port = await freePort();
  const command = o.cmd?.replaceAll('{port}', port).replaceAll('{origin}', origin);
  await startCache(command
    ? ['sh', '-c', `exec ${command}`]
    : commandOf(o, `http://127.0.0.1:${origin}`, `127.0.0.1:${port}`, temporary),
  port);
  try {
    return await runDriver({
      tree: suite.tree, engine: suite.engine, base: `http://127.0.0.1:${port}`,
      private: o.private, ids, dump: o.id.length > 0, only: o.only, chunk: o.chunk, result: path.join(temporary, 'result.json'),
    });
  } finally {
    await endAll();
  }
}

// whole runs everything, and what did not come to its question once more, without
// the others beside it: such a test wants a second request while an answer is
// fresh for two seconds, which a busy machine may not manage. Those that never
// come to it are left alone, as the results that are kept tell.
async function whole(o, suite, temporary) {
  const committed = resultsFile(suite.layout, o.profile);
  const before = !o.cmd && fs.existsSync(committed) ? JSON.parse(fs.readFileSync(committed)) : {};
  const run = await once(o, suite, temporary);
  for (let n = 0; n < 2 && !o.single; n++) {
    const ids = unasked(run).filter(id => (before[id] ?? true) === true);
    if (ids.length === 0) break;
    const again = await once(o, suite, temporary, ids);
    console.log(`once more, as these did not come to their question: ${ids.map(id => `${id} (${again.results[id] === true ? 'passes' : 'does not pass'})`).join(', ')}`);
    Object.assign(run.results, again.results);
  }
  return run;
}

function write(file, run, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(run.results, null, 2)}\n`);
  fs.writeFileSync(file.replace(/\.json$/, '') + '.txt', text);
  console.log(`wrote ${path.relative(process.cwd(), file)}`);
}

async function main() {
  const o = options();
  if (o.help) {
    console.log(usage);
    return 0;
  }
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'conformance-'));
  try {
    const suite = prepare(o.suite, o.work, temporary);
    const runs = [];
    for (let n = 0; n < o.repeat; n++) runs.push(await whole(o, suite, temporary));
    if (runs.length > 1) runs.forEach((each, n) => console.log(`run ${n + 1}: ${summary(each, !o.single)}`));
    const run = runs.at(-1);
    if (run.tests.length === 0) throw new CannotRun('no such test');

    const name = o.cmd ? 'cache' : o.private ? `client.Transport, ${o.profile}` : `freshet --profile ${o.profile}`;
    const text = `${summary(run, !o.single)}\n${describe(run, !o.single)}`;
    console.log(`${name}, ${suite.revision}\n${summary(run, !o.single)}\n${describe(run, !o.single, kinds.slice(0, o.single ? 3 : 2))}`);
    let faults = compareRuns(runs);
    if (!o.cmd && !o.single) {
      const list = suite.layout === 'package' ? 'npm' : 'repository';
      const lists = o.private ? [`private-${list}`] : [list, ...(o.profile === 'standard' ? [] : [o.profile])];
      const expected = expectations(run, o.profile, ...lists.map(name => fs.readFileSync(path.join(here, 'expected', `${name}.txt`), 'utf8')));
      const committed = resultsFile(suite.layout, o.profile);
      const before = !o.update && fs.existsSync(committed) ? JSON.parse(fs.readFileSync(committed)) : {};
      for (const each of runs) faults = faults.concat(judge(each, expected, before));
      if (o.update) write(committed, run, `${o.private ? name : `freshet proxy --profile ${o.profile}`}, ${suite.revision}\n\n${text}`);
    }
    if (o.out) write(o.out, run, `${name}, ${suite.revision}\n\n${text}`);
    for (const fault of new Set(faults)) console.log(`NOT AS EXPECTED: ${fault}`);
    return faults.length > 0 ? 1 : 0;
  } finally {
    await endAll();
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
  process.once(signal, () => endAll().then(() => process.exit(code)));
}
try {
  process.exitCode = await main();
} catch (err) {
  const expected = err instanceof CannotRun || err.code?.startsWith('ERR_PARSE_ARGS');
  console.error(`conformance: ${expected ? err.message : err.stack}`);
  process.exitCode = 2;
}
