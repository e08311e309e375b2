// The monitor's pages of the forward proxy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { audit, open, windows } from './browser.mjs';
import { filtering } from './filtering.mjs';
import { everyPage } from './pages.mjs';
import { scratch } from './server.mjs';

const world = filtering();
let proxy;
let browser; // which reaches the monitor directly

before(async () => {
  await world.begin();
  proxy = await world.filter(['--list', `test=${world.list}`, '--inspect', '*', '--data', scratch()]);
  browser = await world.behind(proxy, '127.0.0.1');
  const page = await browser.newPage();
  for (const url of ['http://news.example/', 'https://news.example/']) {
    await page.goto(url);
    await page.waitForLoadState('networkidle');
  }
  await page.close();
});
after(async () => {
  await browser?.close();
  await proxy?.stop();
  world.end();
});

everyPage(
  [
    {
      path: '/filter', title: 'Filter', live: true, texts: ['Not loaded', 'https://ads.example/banner-468x60.png', '||tracker.example^$script', 'news.example', 'in force'],
      tables: {
        'The latest that were not loaded': ['Time', 'Address', 'As', 'On'], Sites: ['Site', 'Not loaded'],
        'Not looked into': ['Host', 'For', 'Again', 'Why'], Lists: ['List', 'From', 'State'], 'Lines that are left out': ['Reason', 'List'],
      },
    },
    { path: '/filter?url=https%3A%2F%2Fads.example%2Fbanner.png&page=https%3A%2F%2Fnews.example%2F&type=image', title: 'Filter', texts: ['filter-stand-in', '||ads.example^', 'test, line 2'] },
    { path: '/filter?url=nonsense', title: 'Filter', texts: ['Give an http or https address'] },
    { path: '/filter/allow?site=news.example', title: 'Allow for an hour', texts: ['news.example'] },
    { path: '/filter/unpin?host=news.example&client=127.0.0.1', title: 'Look into it again', texts: ['127.0.0.1 to news.example'] },
    { path: '/cookies', title: 'Cookies', texts: ['pixel.example', 'them'] },
    { path: '/cookies/choose?site=pixel.example', title: 'Cookies of pixel.example' },
  ],
  () => browser,
  () => proxy.monitor,
);

test('what can be done with a row is in sight on a phone', async (t) => {
  for (const [path, text] of [['/filter?reload=off', 'For an hour …'], ['/filter?reload=off', 'All for an hour …'], ['/cookies', 'Choose …']]) {
    const { page } = await open(t, browser, proxy.monitor + path, { viewport: { width: 360, height: 740 }, hasTouch: true });
    const links = await page.getByRole('link', { name: text, exact: true }).all();
    assert.ok(links.length > 0, `${path} has no ${text}`);
    for (const link of links) {
      const hit = await link.evaluate((a) => {
        a.closest('tr').scrollIntoView({ block: 'center', inline: 'start' }); // what a finger does, up and down
        return [...a.getClientRects()].every(({ left, right, top, bottom }) => // of each line
          left >= 0 && right <= innerWidth && document.elementFromPoint((left + right) / 2, (top + bottom) / 2) === a);
      });
      assert.ok(hit, `${path}: ${text} is out of sight, or under something`);
    }
  }
});

test('what was cut can be let pass for an hour, and no longer', async (t) => {
  const { page, complaints } = await open(t, browser, `${proxy.monitor}/filter?reload=off`, windows.desktop);
  const banner = async () => {
    const context = await browser.newContext();
    const site = await context.newPage();
    await site.goto('https://news.example/');
    await site.waitForLoadState('networkidle');
    const seen = await site.evaluate(() => [document.getElementById('banner').naturalWidth, document.querySelector('.ad-slot').getBoundingClientRect().height]);
    await context.close();
    return seen;
  };
  const press = async (name) => {
    const sent = page.waitForResponse((r) => r.request().method() === 'POST');
    await page.getByRole('button', { name, exact: true }).click();
    return (await sent).status();
  };
  assert.deepEqual(await banner(), [468, 0]);
  await page.getByRole('table', { name: 'Sites' }).getByRole('row', { name: 'news.example' }).getByRole('link', { name: /for an hour/ }).click();
  assert.equal(await press('Allow all on this site for an hour'), 401); // whoever has not shown the token is asked for it
  assert.deepEqual(await banner(), [468, 0]);
  const file = (await page.getByRole('main').innerText()).match(/\S+\.token/)[0];
  await page.getByLabel('Token').fill(readFileSync(file, 'utf8').trim());
  await page.getByRole('button').click();
  await page.getByRole('heading', { level: 1, name: 'Allow for an hour' }).waitFor();
  assert.equal(await press('Allow all on this site for an hour'), 200);
  assert.deepEqual(await banner(), [8, 250]);
  await page.goto(`${proxy.monitor}/filter?reload=off`);
  await page.getByRole('table', { name: 'Let pass for a time' }).getByRole('link', { name: /End/ }).click();
  assert.equal(await press('End'), 200);
  assert.deepEqual(await banner(), [468, 0]);
  assert.deepEqual(complaints.filter((c) => !/401/.test(c)), []);
});

test('a page that is blocked says so, and leads to where it can be let pass', async (t) => {
  for (const scheme of ['http', 'https']) {
    const { page, answer, complaints } = await open(t, browser, `${scheme}://scam.example/`);
    assert.equal(answer.status(), 403);
    assert.match(await page.locator('body').innerText(), /\|\|scam\.example\^\$document/);
    assert.deepEqual(await audit(page), []);
    assert.deepEqual(complaints, []);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/blocked.png` });
    await page.getByRole('link').first().click();
    await page.waitForURL(`${proxy.monitor}/filter**`);
    assert.match(await page.locator('main').innerText(), /scam\.example/);
  }
});
