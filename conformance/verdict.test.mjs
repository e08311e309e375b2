import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { compareRuns, describe, expectations, judge, passed, readExpectations, summary, unasked } from './verdict.mjs';

// run makes a run of tests that are written "id kind result needs…".
function run(...lines) {
  const tests = [];
  const results = {};
  for (const line of lines) {
    const [id, kind, result, ...needs] = line.split(' ');
    tests.push({ suite: 's', id, name: `test ${id}`, kind, needs });
    results[id] = result === 'ok' ? true : [result, 'because'];
  }
  return { tests, results };
}

const nothing = { reasons: new Map(), gate: { required: 0, optimal: 0 } };

test('a test whose dependency did not pass is not passed', () => {
  const r = run('base check Assertion', 'plain required ok base', 'deep optimal ok plain', 'free required ok');
  assert.equal(summary(r), 'required 1/2 optimal 0/1 checks 0/1');
  assert.equal(summary(r, false), 'required 2/2 optimal 1/1 checks 0/1');
  assert.equal(passed(r, 'unknown'), false);
  assert.match(describe(r), /needs {3}s\/plain: test plain\n {10}base/);
  assert.match(describe(run('a required TypeError')), /error {3}s\/a: test a\n {10}TypeError: because/);
});

test('a failure that is not listed is a fault, a check is none', () => {
  const r = run('a required Assertion', 'b optimal ok', 'c check Assertion');
  assert.deepEqual(judge(r, nothing, {}), ['a does not pass: fail: because']);
});

test('a test that did not come to its question is told from one that failed', () => {
  const r = run('a required Setup', 'b required Assertion', 'c optimal ok', 'd required Setup');
  r.results.d = ['Setup', 'retry'];
  delete r.results.c;
  assert.deepEqual(unasked(r), ['a']);
});

test('a list may only shrink', () => {
  const r = run('a required ok', 'b optimal Assertion');
  const expected = expectations(r, 'safe', '# comment\ngate safe: required 1 optimal 0\n\nit is wrong\n\ta\n\tgone\n', 'more\n b\n elsewhere\n');
  assert.deepEqual(judge(r, expected, {}),
    ['a passes: remove it from the list', 'there is no test gone: remove it from the list']);
});

test('a drop is a fault, also of a check', () => {
  const faults = judge(run('a check Assertion', 'b check ok'), nothing, { a: true, b: ['Assertion', 'x'] });
  assert.deepEqual(faults, ['a passed in the results that are kept, and does not now']);
});

test('the gate holds however long the list is', () => {
  const r = run('a required Assertion');
  const expected = expectations(r, 'x', 'gate x: required 1 optimal 0\nreason\n a\n');
  assert.deepEqual(judge(r, expected, {}), ['0 required tests pass, fewer than 1']);
});

test('runs that differ are told', () => {
  assert.deepEqual(compareRuns([run('a required ok', 'b required ok'), run('a required Assertion', 'b required ok')]),
    ['a passes in 1 of 2 runs']);
});

test('expectations without a reason, a gate or sense are refused', () => {
  for (const text of [' a\n', 'r\n a\n a\n', 'r\n a\nother\n a\n']) {
    assert.throws(() => readExpectations(text), Error, JSON.stringify(text));
  }
  const gate = 'gate x: required 0 optimal 0\n';
  assert.throws(() => expectations(run(), 'y', gate), /no gate/);
  assert.throws(() => expectations(run(), 'x', `${gate}r\n a\n`, 'other\n a\n'), /both/);
});

test('the lists that are kept can be read', () => {
  const folder = new URL('expected/', import.meta.url);
  for (const file of fs.readdirSync(folder)) readExpectations(fs.readFileSync(new URL(file, folder), 'utf8'));
});
