// What holds for every page of the monitor, whatever stands on it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, it } from 'node:test';
import { audit, open, windows } from './browser.mjs';

const run = promisify(execFile);

/** What a first visit may weigh, in bytes on the wire. */
const HEAVIEST = 100_000;

/**
 * everyPage tests pages. Each is an object:
 *
 *   path    its address, or a function that knows it once tests run; then name names it
 *   title   what its heading says, or a pattern for it
 *   status  of the answer; default 200
 *   tables  by name, the headings of their columns, all or the first ones:
 *           { 'Latest requests': ['Time', 'Method'] }
 *   texts   what must be there to read, scripts or not
 *   live    it keeps itself up to date
 *   fields  of its requests, or a function that knows them once tests run
 *
 * browser and base are functions, since both are there only when tests run.
 */
export function everyPage(pages, browser, base) {
  for (const p of pages) {
    const at = () => base() + (typeof p.path === 'function' ? p.path() : p.path);
    const fields = () => (typeof p.fields === 'function' ? p.fields() : p.fields ?? {});
    const see = (t, window = windows.desktop) => open(t, browser(), at(), { ...window, extraHTTPHeaders: fields() });
    describe(p.name ?? p.path, () => {
      it('is complete without scripts', async (t) => {
        const { page, answer, complaints } = await see(t, windows.plain);
        assert.equal(answer.status(), p.status ?? 200);
        // A slow machine must not be overtaken by the page's own reload.
        await page.route('**', (route) => (route.request().isNavigationRequest() ? route.abort() : route.continue()));
        await readable(page, p);
        assert.equal(await page.locator('noscript meta[http-equiv=refresh]').count() > 0 || !p.live, true, 'a page that changes reloads itself');
        assert.deepEqual(complaints, []);
      });

      it('works with scripts, without a complaint', async (t) => {
        const { page, answer, complaints } = await see(t);
        const heads = answer.headers();
        assert.match(heads['content-type'], /^text\/html/);
        assert.match(heads['content-security-policy'], /default-src 'none'/);
        assert.doesNotMatch(heads['content-security-policy'], /unsafe/);
        assert.equal(heads['x-content-type-options'], 'nosniff');
        await readable(page, p);
        if (p.live) await page.getByRole('status').getByText('live').waitFor();
        else assert.equal(await page.getByRole('button', { name: 'Pause', exact: true }).count(), 0);
        assert.deepEqual(await audit(page), []);
        const bytes = await page.evaluate(() => performance.getEntries().reduce((sum, e) => sum + (e.transferSize ?? 0), 0));
        assert.ok(bytes > 0 && bytes < HEAVIEST, `${bytes} bytes`);
        assert.deepEqual(complaints, []);
      });

      it('can be read in the dark', async (t) => {
        const { page, complaints } = await see(t, windows.dark);
        assert.deepEqual(await audit(page, ['color-contrast']), []);
        assert.deepEqual(complaints, []);
      });

      it('fits on a phone', async (t) => {
        const { page, complaints } = await see(t, windows.phone);
        await readable(page, p);
        assert.deepEqual(await page.evaluate(tooWide), []);
        assert.deepEqual(await page.evaluate(outOfSight), []);
        assert.deepEqual(await audit(page), []);
        assert.deepEqual(complaints, []);
      });

      it('can be used with the keyboard', async (t) => {
        const { page } = await see(t);
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement.className), 'skip', 'the first stop is the skip link');
        assert.ok((await page.locator('.skip').boundingBox()).y >= 0, 'the skip link can be seen');
        await page.keyboard.press('Enter');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
        assert.deepEqual(await tabThrough(page), []);
      });

      it('can be read in a text browser', async () => {
        const { stdout } = await run('w3m', ['-dump', '-cols', '400', '-o', 'use_cookie=0', ...Object.entries(fields()).flatMap(([name, value]) => ['-header', `${name}: ${value}`]), at()], { maxBuffer: 1 << 24 });
        for (const text of [...(typeof p.title === 'string' ? [p.title] : []), ...(p.texts ?? []), ...Object.values(p.tables ?? {}).flat()]) {
          assert.ok(stdout.includes(text), `${JSON.stringify(text)} is not in:\n${stdout}`);
        }
      });
    });
  }
}

async function readable(page, p) {
  const heading = await page.getByRole('heading', { level: 1 }).innerText();
  if (p.title instanceof RegExp) assert.match(heading, p.title);
  else assert.equal(heading, p.title);
  assert.ok((await page.title()).startsWith(heading));
  for (const [name, columns] of Object.entries(p.tables ?? {})) {
    const table = page.getByRole('region', { name, exact: true }).getByRole('table');
    const heads = await table.getByRole('columnheader').allInnerTexts();
    assert.deepEqual(heads.slice(0, columns.length).map((h) => h.trim()), columns, `columns of ${name}`);
  }
  const main = await page.getByRole('main').innerText();
  for (const text of p.texts ?? []) assert.ok(main.includes(text), `${JSON.stringify(text)} is not in:\n${main}`);
}

// tooWide runs in the page: what makes it scroll sideways, or lies over another
// thing. Regions that scroll by themselves may, if the keyboard reaches them.
function tooWide() {
  const width = document.documentElement.clientWidth;
  const found = [];
  if (document.scrollingElement.scrollWidth > width) found.push(`the page is ${document.scrollingElement.scrollWidth} wide`);
  const parts = [...document.querySelectorAll('.brand a, .live, .top > button, .top nav')].map((e) => [e, e.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  for (const [a, i] of parts) {
    for (const [b, k] of parts) {
      if (a !== b && i.left < k.right && k.left < i.right && i.top < k.bottom && k.top < i.bottom) found.push(`${a.className} lies over ${b.className}`);
    }
  }
  for (const e of document.querySelectorAll('main *')) {
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'auto' && e.tabIndex < 0) {
      found.push(`${e.tagName}.${e.className} scrolls, but not with the keyboard`);
    }
  }
  return found;
}

// outOfSight runs in the page: what can be done with a row of a table and is not
// to be touched, with the table at its left end or its right one.
function outOfSight() {
  const found = [];
  for (const e of document.querySelectorAll('td.act :is(a, input)')) {
    const region = e.closest('.scroll');
    e.closest('tr').scrollIntoView({ block: 'center' }); // what a finger does, up and down
    for (const end of [0, region.scrollWidth]) {
      region.scrollLeft = end;
      for (const { left, right, top, bottom } of e.getClientRects()) { // of each line
        const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
        if (left < 0 || right > innerWidth || hit !== e) found.push(`${e.textContent || e.ariaLabel || e.value} at ${end}, under ${hit?.outerHTML.slice(0, 80)}`);
      }
    }
    region.scrollLeft = 0;
  }
  return found;
}

// tabThrough walks from where the focus is to the end of the page, and returns
// what is wrong with the stops: out of order, out of sight, or not to be seen.
async function tabThrough(page) {
  return page.evaluate(async () => {
    window.stops = [];
    // Looked at when it has the focus: a live page may replace it a moment later.
    document.addEventListener('focusin', ({ target: e }) => {
      const box = e.getBoundingClientRect();
      const before = window.stops.at(-1)?.e;
      const ordered = !before?.isConnected || Boolean(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING);
      window.stops.push({ e, name: `${e.tagName} ${(e.innerText ?? '').slice(0, 40)}`, sized: box.width > 0 && box.height > 0, ordered });
    });
  }).then(async () => {
    for (let i = 0; i < 150; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement === document.body)) break;
    }
    return page.evaluate(() => {
      const wrong = [];
      window.stops.forEach(({ name, sized, ordered }) => {
        if (!sized) wrong.push(`${name} has no size`);
        if (!ordered) wrong.push(`${name} is out of order`);
      });
      return wrong;
    });
  });
}
