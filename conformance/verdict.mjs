// What a run means: counting as the suite's site counts, and comparing with
// what is expected. A run is {tests, results}; no I/O here.

export const kinds = ['required', 'optimal', 'check'];

// passed says whether a test passed: its own assertions hold, and all tests
// that it builds upon passed. Without dependencies, the first alone.
export function passed(run, id, dependencies = true) {
  const test = run.tests.find(other => other.id === id);
  if (test === undefined || run.results[id] !== true) return false;
  return !dependencies || test.needs.every(needed => passed(run, needed));
}

// outcome is one word for how a test ended, and a message if there is one.
function outcome(run, test, dependencies) {
  const result = run.results[test.id];
  const lacking = dependencies ? test.needs.filter(needed => !passed(run, needed)) : [];
  if (lacking.length > 0) return ['needs', lacking.join(', ')];
  if (result === undefined) return ['not run', ''];
  const [type, message] = result;
  if (type === 'Setup') return [message === 'retry' ? 'retry' : 'setup', message];
  return [type === 'Assertion' ? 'fail' : 'error', type === 'Assertion' ? message : `${type}: ${message}`];
}

// unasked are the tests that did not come to their question, as the suite says:
// an answer before it was not what the test builds upon.
export function unasked(run) {
  return run.tests.map(test => test.id).filter(id => {
    const result = run.results[id];
    return Array.isArray(result) && result[0] === 'Setup' && result[1] !== 'retry';
  });
}

// summary is the line of figures.
export function summary(run, dependencies = true) {
  return kinds.map(kind => {
    const tests = run.tests.filter(test => test.kind === kind);
    const good = tests.filter(test => passed(run, test.id, dependencies));
    return `${kind === 'check' ? 'checks' : kind} ${good.length}/${tests.length}`;
  }).join(' ');
}

// describe lists what did not pass, of the given kinds.
export function describe(run, dependencies = true, shown = kinds) {
  const lines = [];
  for (const kind of shown) {
    const bad = run.tests.filter(test => test.kind === kind && !passed(run, test.id, dependencies));
    if (bad.length > 0) lines.push('', kind === 'check' ? 'checks, answered no (information, no score)' : `${kind}, not passed`);
    for (const test of bad) {
      const [word, message] = outcome(run, test, dependencies);
      lines.push(`  ${word.padEnd(7)} ${test.suite}/${test.id}: ${test.name.replace(/\s+/g, ' ')}`);
      if (message && kind !== 'check') lines.push(`          ${withoutIDs(message).slice(0, 200)}`);
    }
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}

const withoutIDs = text => text.replace(/\s+/g, ' ').replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID');

// readExpectations reads a list of the scored tests that do not pass. A line
// that is not indented is a reason, the indented lines below it are the tests
// that it holds for; "gate PROFILE: required N optimal M" is what passes at
// least; "#" begins a comment.
export function readExpectations(text) {
  const reasons = new Map();
  const gates = new Map();
  let reason = null;
  for (const [n, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const figures = /^gate ([\w-]+): required (\d+) optimal (\d+)$/.exec(line);
    if (figures) {
      gates.set(figures[1], { required: Number(figures[2]), optimal: Number(figures[3]) });
    } else if (!/^\s/.test(line)) {
      reason = line;
    } else {
      const id = line.trim();
      if (reason === null) throw new Error(`line ${n + 1}: ${id} has no reason`);
      if (reasons.has(id)) throw new Error(`line ${n + 1}: ${id} is listed twice`);
      reasons.set(id, reason);
    }
  }
  return { reasons, gates };
}

// expectations puts together what is expected of a profile: the suite's own
// list, and the further tests that the profile does not pass, of those that the
// suite has.
export function expectations(run, profile, suiteList, profileList = '') {
  const { reasons, gates } = readExpectations(suiteList);
  const gate = gates.get(profile);
  if (gate === undefined) throw new Error(`there is no gate for the profile ${profile}`);
  for (const [id, reason] of readExpectations(profileList).reasons) {
    if (reasons.has(id)) throw new Error(`${id} is in both lists`);
    if (run.tests.some(test => test.id === id)) reasons.set(id, reason);
  }
  return { reasons, gate };
}

// judge returns what is not as expected: a scored test that fails without being
// listed; one that is listed and passes, so that the list may only shrink; one
// that passed in the results that are kept, and does not now.
export function judge(run, expected, before) {
  const faults = [];
  for (const test of run.tests) {
    const good = passed(run, test.id);
    const listed = expected.reasons.has(test.id);
    if (good && listed) faults.push(`${test.id} passes: remove it from the list`);
    if (!good && !listed && test.kind !== 'check') faults.push(`${test.id} does not pass: ${outcome(run, test, true).join(': ')}`);
  }
  for (const id of expected.reasons.keys()) {
    if (!run.tests.some(test => test.id === id)) faults.push(`there is no test ${id}: remove it from the list`);
  }
  const past = { tests: run.tests, results: before };
  for (const test of run.tests) {
    if (passed(past, test.id) && !passed(run, test.id)) faults.push(`${test.id} passed in the results that are kept, and does not now`);
  }
  for (const kind of ['required', 'optimal']) {
    const n = run.tests.filter(test => test.kind === kind && passed(run, test.id)).length;
    if (n < expected.gate[kind]) faults.push(`${n} ${kind} tests pass, fewer than ${expected.gate[kind]}`);
  }
  return faults;
}

// compareRuns returns the tests that did not end alike in every run.
export function compareRuns(runs) {
  return runs[0].tests.filter(test => new Set(runs.map(run => run.results[test.id] === true)).size > 1)
    .map(test => `${test.id} passes in ${runs.filter(run => run.results[test.id] === true).length} of ${runs.length} runs`);
}
