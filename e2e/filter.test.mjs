// The forward proxy, used by a browser: what lists name is gone from pages, and
// nothing else is.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { open } from './browser.mjs';
import { filtering } from './filtering.mjs';
import { until } from './server.mjs';

const world = filtering();
const { filter, through, list } = world;
before(world.begin);
after(world.end);

/** visit opens a page and waits until all of it is there. */
async function visit(t, browser, url, options) {
  const w = await open(t, browser, url, options);
  await w.page.waitForLoadState('networkidle');
  return w;
}

/** seen is what a person would see of the page of news. */
const seen = (page) =>
  page.evaluate(() => {
    const at = (id) => document.getElementById(id);
    const tall = (e) => e.getBoundingClientRect().height;
    return {
      tracked: document.documentElement.dataset.tracked ?? 'no',
      fetched: document.body.dataset.fetched,
      logo: at('logo').naturalWidth,
      banner: `${at('banner').complete} ${at('banner').naturalWidth}x${at('banner').naturalHeight}`,
      slot: tall(document.querySelector('.ad-slot')),
      promo: tall(at('promo')),
      pixel: at('pixel').naturalWidth,
      text: at('text').innerText,
    };
  });

const whole = { tracked: 'yes', fetched: 'some', logo: 8, banner: 'true 8x8', slot: 250, promo: 250, pixel: 8, text: 'What people came to read.' };
const cut = { ...whole, tracked: 'no', banner: 'true 468x60', slot: 0, promo: 0 };

/** askedOf is what a site was asked for. */
const askedOf = (host) => world.net.asked.filter((a) => a.split(' ')[1] === host);

for (const scheme of ['http', 'https']) {
  const looking = scheme === 'https' ? ['--inspect', '*'] : [];
  const home = `${scheme}://news.example/`;

  describe(`pages by ${scheme}`, () => {
    test('without a list everything is there', async (t) => {
      const browser = await through(t, await filter([...looking, '--cookies', 'allow']));
      const { page, complaints } = await visit(t, browser, home);
      await until(() => seen(page), whole);
      assert.equal(await page.frameLocator('#frame').locator('h1').innerText(), 'Buy!');
      assert.deepEqual(complaints, []);
    });

    test('with one the banners are gone, what is hidden takes no room, and nothing complains', async (t) => {
      const proxy = await filter([...looking, '--list', list]);
      const browser = await through(t, proxy);
      const { page, answer, complaints } = await visit(t, browser, home);
      await until(() => seen(page), cut);
      assert.deepEqual(complaints, []);
      // Browsers do not tell http servers what is a frame, and lists block few pages.
      assert.deepEqual([...askedOf('ads.example'), ...askedOf('tracker.example')], scheme === 'http' ? ['http ads.example /frame.html'] : []);
      assert.equal(await page.frameLocator('#frame').locator('h1').count(), scheme === 'http' ? 1 : 0);
      const end = await page.locator('#end').evaluate((e) => e.getBoundingClientRect().top);
      assert.ok(end < 480, `the end is ${end} pixels down`);
      if (scheme === 'https') assert.match((await answer.securityDetails()).issuer, /^Local/);
      if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `filter-${scheme}.png`) });
      const rules = async () => new Set((await (await fetch(`${proxy.monitor}/filter.json`)).json()).rows.map((r) => r.rule));
      for (const rule of ['||ads.example^', '||tracker.example^$script']) await until(async () => (await rules()).has(rule), true);
    });

    test('the second visit is answered by the cache', async (t) => {
      const browser = await through(t, await filter([...looking, '--list', list]));
      await visit(t, browser, home);
      const before = askedOf('news.example').filter((a) => !a.includes('data.json'));
      assert.equal(before.length, 2, before.join('\n'));
      const answers = [];
      const context = await browser.newContext(); // with nothing in the browser's own cache
      t.after(() => context.close());
      const page = await context.newPage();
      page.on('response', (r) => answers.push(r));
      await page.goto(home);
      await page.waitForLoadState('networkidle');
      await until(() => seen(page), cut);
      for (const path of ['', 'logo.png']) {
        const status = await answers.find((r) => r.url() === home + path).headerValue('cache-status');
        assert.match(status, /; hit/, path);
      }
      assert.deepEqual(askedOf('news.example').filter((a) => !a.includes('data.json')), before);
    });

    test('a strict policy of a page lets through the style that hides', async (t) => {
      const browser = await through(t, await filter([...looking, '--list', list]));
      const { page } = await visit(t, browser, `${home}strict`);
      assert.equal(await page.locator('.ad-slot').isVisible(), false);
      assert.equal(await page.locator('#text').isVisible(), true);
    });

    test('parameters that only tell where somebody came from are not sent', async (t) => {
      const browser = await through(t, await filter([...looking, '--list', list]));
      const { page } = await visit(t, browser, `${home}link`);
      await page.getByRole('link').click();
      await page.locator('#end').waitFor();
      assert.ok(world.net.searches.includes('?a=1'), world.net.searches.join('\n'));
      assert.ok(!world.net.searches.some((s) => s.includes('utm_source')), world.net.searches.join('\n'));
    });
  });
}

describe('cookies', () => {
  const visits = async (t, flags) => {
    const browser = await through(t, await filter(['--inspect', '*', ...flags]));
    const { page, complaints } = await open(t, browser, 'about:blank');
    const answers = [];
    page.on('response', (r) => answers.push(r.headerValue('set-cookie').then((value) => `${new URL(r.url()).host} ${value ?? ''}`)));
    for (let visit = 0; visit < 2; visit++) {
      await page.goto('https://news.example/');
      await page.waitForLoadState('networkidle');
    }
    assert.deepEqual(complaints, []);
    return {
      came: [...new Set(await Promise.all(answers))].filter((c) => c.includes('=')).map((c) => c.split(';')[0]).sort(),
      kept: (await page.context().cookies()).map((c) => `${c.domain} ${c.name}=${c.value}`).sort(),
      sent: [...new Set(world.net.asked.filter((a) => a.includes('[')).map((a) => a.slice(a.indexOf(' ') + 1)))].sort(),
    };
  };
  // Which of them the browser would keep is its own affair: what reaches it counts.
  test('pass where they may', async (t) => {
    const { came } = await visits(t, ['--cookies', 'allow']);
    assert.deepEqual(came, ['news.example own=1', 'pixel.example them=1']);
  });
  test('of third parties do not by default, and those of the site do', async (t) => {
    const { came, kept, sent } = await visits(t, []);
    assert.deepEqual(came, ['news.example own=1']);
    assert.deepEqual(kept, ['news.example own=1']);
    assert.deepEqual(sent, ['news.example /data.json [own=1]']);
  });
});

describe('tunnels, which nobody looks into', () => {
  test('lead to sites that are not blocked, as they are, and to no other', async (t) => {
    const browser = await through(t, await filter(['--list', list]));
    const { page, answer } = await visit(t, browser, 'https://news.example/');
    assert.match((await answer.securityDetails()).issuer, /^The world/);
    assert.equal((await seen(page)).slot, 250, 'what is hidden by style stays, for nobody can tell');
    assert.equal((await seen(page)).pixel, 8);
    assert.deepEqual(world.net.tunnels.filter((n) => n.startsWith('ads.')), []);
    await assert.rejects(page.goto('https://ads.example/'), /ERR_TUNNEL_CONNECTION_FAILED/);
  });
});

test('a chain: the first decides about cookies and lists, the second has the cache', async (t) => {
  const second = await filter(['--proxy-name', 'second', '--cookies', 'allow', '--hide', 'off']);
  const first = await filter(['--proxy-name', 'first', '--cache', 'off', '--list', list, '--cookies', 'refuse'], second.address);
  const browser = await through(t, first, second);
  const { page, complaints } = await visit(t, browser, 'http://news.example/');
  await until(() => seen(page), cut);
  assert.deepEqual(complaints, []);
  assert.deepEqual(await page.context().cookies(), []);
  const other = await visit(t, browser, 'http://news.example/');
  assert.match(await other.answer.headerValue('cache-status'), /second; hit/);
  assert.match(await other.answer.headerValue('via'), /second.*first/);
  assert.equal(askedOf('news.example').filter((a) => a.endsWith(' /')).length, 1);
  assert.ok(!world.net.asked.some((a) => a.includes('[')), world.net.asked.join('\n'));
  const secure = await visit(t, browser, 'https://news.example/');
  assert.equal(await secure.page.locator('#text').innerText(), whole.text);
  await assert.rejects(page.goto('https://ads.example/'), /ERR_TUNNEL_CONNECTION_FAILED/);
});
