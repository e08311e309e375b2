// Runs the suite's client once, with the options given as JSON, and writes
// {tests, results}: what was run and how it ended.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const options = JSON.parse(process.argv[2]);
const load = file => import(pathToFileURL(path.join(options.tree, file)));

const suites = [...(await load('tests/index.mjs')).default];
if (fs.existsSync(path.join(options.tree, 'tests/surrogate-control.mjs'))) {
  suites.push((await load('tests/surrogate-control.mjs')).default); // the older client adds it so
}
const wanted = new RegExp(options.only || '');
const chosen = suites.map(suite => ({
  ...suite,
  // What only browsers can do is not for a shared cache, and the other way round.
  tests: suite.tests.filter(test => (options.private ? !test.cdn_only && !test.browser_skip : !test.browser_only) &&
    (options.ids.length === 0 || options.ids.includes(test.id)) && wanted.test(`${suite.id}/${test.id}`)),
}));
if (options.dump) chosen.forEach(suite => suite.tests.forEach(test => { test.dump = true; }));

const { runTests, getResults } = await load(path.join(options.engine, 'client/runner.mjs'));
if (options.engine === '.') await runTests(chosen, options.private ? asBrowserFetch : asNodeFetch, options.private, options.base, options.chunk);
else await runTests(chosen, options.private, options.base, options.chunk);

const tests = chosen.flatMap(suite => suite.tests.map(test => (
  { suite: suite.id, id: test.id, name: test.name, kind: test.kind ?? 'required', needs: test.depends_on ?? [] })));
fs.writeFileSync(options.result, JSON.stringify({ tests, results: getResults() }));
process.exit(0); // connections that the client keeps do not hold us

// asBrowserFetch adds nothing: what browsers have is between it and the origin.
function asBrowserFetch(url, init = {}) {
  return fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
}

// asNodeFetch is what the older client expects of the fetch function that it is
// given: no request fields but those of the test. Node's adds "no-cache" to
// requests that are not to be stored, unless they say something themselves.
function asNodeFetch(url, init = {}) {
  const headers = [...(init.headers ?? [])];
  for (const [name, value] of [['Pragma', 'foo'], ['Cache-Control', 'nothing-to-see-here']]) {
    if (!headers.some(([other]) => other.toLowerCase() === name.toLowerCase())) headers.push([name, value]);
  }
  return fetch(url, { ...init, headers, signal: AbortSignal.timeout(20_000) });
}
