// The browser, and what it complains about.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Debian's; CHROMIUM names another one.
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

// Chromium's sandbox does not work for root, as which CI runs.
const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/** launch starts the browser; options are playwright's. */
export function launch(options = {}) {
  return chromium.launch({ executablePath, args, ...options });
}

/** trust has the browsers of a home trust authorities, whose certificates are in files. */
export function trust(home, ...files) {
  for (const folder of ['.pki/nssdb', '.local/share/pki/nssdb']) {
    const db = join(home, folder);
    mkdirSync(db, { recursive: true });
    execFileSync('certutil', ['-d', `sql:${db}`, '-N', '--empty-password']);
    for (const file of files) execFileSync('certutil', ['-d', `sql:${db}`, '-A', '-t', 'C,,', '-n', file, '-i', file]);
  }
}

/** at is the environment of a browser of that home. */
export const at = (home) => ({ ...process.env, HOME: home, XDG_DATA_HOME: '' });

/** The windows that pages are looked at in. */
export const windows = {
  desktop: { viewport: { width: 1360, height: 900 } },
  dark: { viewport: { width: 1360, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 320, height: 640 }, hasTouch: true },
  plain: { viewport: { width: 1360, height: 900 }, javaScriptEnabled: false },
};

/**
 * open loads a page in a window of its own. The result has the page, the
 * answer, and complaints: the list, which grows, of what went wrong: errors in
 * the console, exceptions, violations of the content security policy, requests
 * that failed. The window closes with the test.
 */
export async function open(t, browser, url, options = windows.desktop) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(120_000); // a machine may be busy
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (m) => {
    // A page that was not found is one that some tests ask for.
    if (['error', 'warning'].includes(m.type()) && m.location().url !== url) complaints.push(`console: ${m.text()}`);
  });
  page.on('pageerror', (e) => complaints.push(`exception: ${e}`));
  page.on('requestfailed', (r) => {
    // What the page itself ends, as a stream at its close, is no failure.
    if (r.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(`${r.url()}: ${r.failure()?.errorText}`);
  });
  page.on('response', (r) => {
    if (r.status() >= 400 && r.url() !== url) complaints.push(`${r.url()}: ${r.status()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
  });
  const answer = await page.goto(url);
  return { page, answer, complaints };
}

/** audit returns what axe finds wrong with the page as it stands, one line each: by all of its rules, or by some. */
export async function audit(page, rules) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    (values) => window.axe.run(document, { resultTypes: ['violations'], ...(values && { runOnly: { type: 'rule', values } }) }),
    rules,
  );
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary.replace(/\s+/g, ' ')}`));
}
