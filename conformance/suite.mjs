// Where the suite comes from, and its two layouts. Nothing of it is kept in
// this repository.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { CannotRun } from './processes.mjs';

// The pinned packages: the same name and version with other bytes is refused.
const pinned = JSON.parse(fs.readFileSync(new URL('packages.json', import.meta.url)));

// layoutOf tells the repository's layout (test-engine/client, tests) from the
// older one of the npm package (client, tests), and both from anything else.
export function layoutOf(tree) {
  const has = file => fs.existsSync(path.join(tree, file));
  if (!has('tests/index.mjs')) return null;
  if (has('test-engine/client/runner.mjs')) return 'repository';
  return has('client/runner.mjs') ? 'package' : null;
}

// prepare returns the suite that "where" names, ready to be imported: tree,
// engine (the folder in it that holds client and server), layout, revision. What
// is installed stays in work, what is for this run alone is in temporary.
export function prepare(where, work, temporary) {
  let tree = where;
  if (where === 'npm') {
    tree = installed('http-cache-tests', work);
  } else if (layoutOf(where) === null && layoutOf(path.join(where, 'node_modules/http-cache-tests'))) {
    tree = path.join(where, 'node_modules/http-cache-tests');
  }
  tree = path.resolve(tree);
  const layout = layoutOf(tree);
  if (layout === null) throw new CannotRun(`${where} is no checkout of http-tests/cache-tests`);
  const suite = { tree, layout, revision: revision(tree, layout), engine: layout === 'repository' ? 'test-engine' : '.' };
  if (layout === 'repository') suite.tree = withUndici(tree, work, temporary);
  return suite;
}

function revision(tree, layout) {
  if (layout === 'package') {
    const { name, version } = JSON.parse(fs.readFileSync(path.join(tree, 'package.json')));
    return `${name} ${version}`;
  }
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    if (fs.existsSync(path.join(tree, '.git'))) {
      const commit = execFileSync('git', ['-C', tree, 'log', '-1', '--format=%h of %cs'], options).trim();
      return `http-tests/cache-tests ${commit}`;
    }
  } catch { /* then it stays unnamed */ }
  return 'http-tests/cache-tests';
}

// withUndici returns a copy of the suite in which its client finds the package
// that it imports to see interim responses. The checkout stays as it is.
function withUndici(tree, work, temporary) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 18)) {
    throw new CannotRun(`this is Node ${process.versions.node}; the suite's client needs 20.18.1 or newer`);
  }
  const copy = path.join(temporary, 'suite');
  for (const part of ['package.json', 'tests', 'test-engine', 'asset']) {
    const from = path.join(tree, part);
    if (fs.existsSync(from)) fs.cpSync(from, path.join(copy, part), { recursive: true });
  }
  fs.mkdirSync(path.join(copy, 'node_modules'));
  fs.cpSync(installed('undici', work), path.join(copy, 'node_modules', 'undici'), { recursive: true });
  return copy;
}

// installed returns the folder of a pinned package and brings it there first if
// need be. The packages alone: what they say that they depend on (the suite:
// npm itself, among others) is for their command lines.
export function installed(name, work, pins = pinned) {
  const { version, integrity } = pins[name];
  const folder = path.join(work, `${name}-${version}`);
  if (fs.existsSync(path.join(folder, 'package.json'))) return folder;
  fs.mkdirSync(work, { recursive: true });
  const temporary = fs.mkdtempSync(path.join(work, 'installing-'));
  try {
    const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', `${name}@${version}`],
      { cwd: temporary, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
    const archive = path.join(temporary, packed.filename);
    const digest = `sha512-${crypto.createHash('sha512').update(fs.readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity) throw new CannotRun(`${name} ${version} is ${digest}, not ${integrity} as pinned`);
    execFileSync('tar', ['xzf', archive, '-C', temporary]);
    if (!fs.existsSync(folder)) fs.renameSync(path.join(temporary, 'package'), folder); // another run may have been faster
  } catch (err) {
    if (err instanceof CannotRun) throw err;
    throw new CannotRun(`npm could not bring ${name} ${version}: ${err.message}`);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}
