import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CannotRun, endAll, freePort, startCache } from './processes.mjs';
import { installed, layoutOf, prepare } from './suite.mjs';

function folder(t, ...files) {
  const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'conformance-test-'));
  t.after(() => fs.rmSync(tree, { recursive: true }));
  for (const file of files) {
    fs.mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
    fs.writeFileSync(path.join(tree, file), '{}');
  }
  return tree;
}

test('both layouts are known, and nothing else', t => {
  assert.equal(layoutOf(folder(t, 'tests/index.mjs', 'test-engine/client/runner.mjs')), 'repository');
  assert.equal(layoutOf(folder(t, 'tests/index.mjs', 'client/runner.mjs')), 'package');
  assert.equal(layoutOf(folder(t, 'tests/index.mjs')), null);
  assert.throws(() => prepare(folder(t), '', ''), CannotRun);
});

test('a package is found in the folder that npm installed it into', t => {
  const at = 'node_modules/http-cache-tests';
  const tree = folder(t, `${at}/tests/index.mjs`, `${at}/client/runner.mjs`, `${at}/package.json`);
  assert.equal(prepare(tree, '', '').tree, path.join(tree, at));
});

test('a package that cannot be had, or is another than the one pinned, ends the run', t => {
  const work = folder(t);
  assert.throws(() => installed('./nothing', work, { './nothing': { version: '1', integrity: 'sha512-x' } }), CannotRun);
  const source = path.join(folder(t), 'other');
  fs.mkdirSync(`${source}@1.0.0`);
  fs.writeFileSync(`${source}@1.0.0/package.json`, '{"name": "other", "version": "1.0.0"}');
  assert.throws(() => installed(source, work, { [source]: { version: '1.0.0', integrity: 'sha512-x' } }), /not sha512-x as pinned/);
  assert.deepEqual(fs.readdirSync(work), []);
});

test('a cache that ends before it listens ends the run, with what it said', async t => {
  t.after(endAll);
  await assert.rejects(startCache(['sh', '-c', 'echo no such option; exit 2'], await freePort()), /ended before it listened:\nno such option/);
  await assert.rejects(startCache(['/nonexistent/cache'], await freePort()), CannotRun);
});
