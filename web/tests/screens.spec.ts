// What holds on every screen of the tour, in the sandbox, the cluster and the record.

import AxeBuilder from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import { expect, open, type Page, places, run, settled, split, state, test, tour } from './page';

const transport = (page: Page) => page.locator('main .transport').first();
const rewind = (page: Page) => page.getByRole('button', { name: 'Rewind' }).first();

/** What is wrong with the place for a reader with a disability, as axe sees it. */
async function barriers(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
}

/** Things to touch that are smaller than a fingertip, with their sizes. A link in running text is as high as its line. */
async function small(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const one of document.querySelectorAll<HTMLElement>('button, a, input, select, textarea, summary, [role=button], [role=slider]')) {
      if (!one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
      // A field beside a slider that sets the same.
      if (one.matches('.typed, .skip') || (one.matches('a') && one.closest('p, li, dd, td, figcaption, small'))) continue;
      const area = (one.matches('input[type=radio], input[type=checkbox]') && one.closest('label')) || one;
      const { width, height } = area.getBoundingClientRect();
      if (width && height && (width < 43.5 || height < 43.5)) found.push(`${one.outerHTML.slice(0, 120)}: ${width.toFixed()} × ${height.toFixed()}`);
    }
    return found;
  });
}

for (const place of places) {
  test.describe(place, () => {
    test('loads, and each picture has its figures and its command', async ({ page }) => {
      await open(page, place);
      await expect(page.locator('#screen-title')).toHaveCount(1);
      await expect(page).toHaveTitle(/ · rumormill$/);
      expect(await page.locator('main [role=alert]').allTextContents()).toEqual([]);
      if (!place.startsWith('tour/')) return;
      const pictures = await page.locator('main [role=img], main canvas, main svg[aria-label]').count();
      expect(pictures, 'pictures').toBeGreaterThan(0);
      const tables = await page.locator('main table[data-mirror]').evaluateAll((all) =>
        (all as HTMLTableElement[]).map((table) => ({ name: table.dataset.mirror!, rows: table.tBodies[0]?.rows.length ?? 0 })),
      );
      const names = tables.map(({ name }) => name);
      expect(new Set(names).size, `each table has a name of its own: ${names}`).toBe(names.length);
      expect(tables.filter(({ rows }) => rows === 0).map(({ name }) => name), 'empty tables').toEqual([]);
      // Of each chart by its name; of every picture some table.
      const charts = await page.locator('main .chart[role=img]').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')!.split('. Its figures')[0]));
      expect(tables.length).toBeGreaterThan(0);
      for (const chart of charts) expect(names.some((name) => name === chart), `a table "${chart}"`).toBe(true);
      expect(await page.locator('main [data-command]').count(), 'commands').toBeGreaterThan(0);
    });

    test('keeps what axe finds serious out, light and dark', async ({ page }) => {
      await open(page, place);
      expect(await barriers(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
      await settled(page);
      expect(await barriers(page)).toEqual([]);
    });

    test('fits a narrow screen, fingers and paper', async ({ page }) => {
      await page.setViewportSize({ width: 360, height: 740 });
      await open(page, place);
      const wide = await page.evaluate(() => {
        if (document.documentElement.scrollWidth <= 360) return [];
        return [...document.querySelectorAll('body *')]
          .filter((one) => one.getBoundingClientRect().right > 361)
          .map((one) => `${one.tagName} ${one.className}: ${one.getBoundingClientRect().right.toFixed()}`)
          .slice(0, 8);
      });
      expect(wide, 'wider than the screen').toEqual([]);
      expect(await small(page), 'smaller than a fingertip').toEqual([]);
      await page.emulateMedia({ media: 'print' });
      await expect(page.locator('header').first()).toBeHidden();
      expect(await page.locator('.no-print').evaluateAll((all) => all.filter((one) => one.checkVisibility()).length), 'buttons on paper').toBe(0);
      for (const table of await page.locator('main table[data-mirror]').all()) await expect(table).toBeVisible();
    });
  });
}

for (const { place, title } of tour) {
  test(`${place}: what is set is in the address`, async ({ page }) => {
    await open(page, place);
    const before = page.url();
    const sliders = page.locator('main input[type=range]:enabled');
    const choices = page.locator('main fieldset input[type=radio]:not(:checked):enabled');
    expect((await sliders.count()) + (await choices.count()), 'things to set').toBeGreaterThan(0);
    if (await sliders.count()) {
      const slider = sliders.first();
      const low = await slider.evaluate((one: HTMLInputElement) => Number(one.value) >= (Number(one.min) + Number(one.max)) / 2);
      await slider.focus();
      for (let i = 0; i < 4; i += 1) await page.keyboard.press(low ? 'ArrowDown' : 'ArrowUp');
    } else {
      await choices.first().check({ force: true });
    }
    await settled(page);
    await expect.poll(() => page.url()).not.toBe(before);
    const there = page.url();
    const set = await state(page);
    await page.goto('about:blank');
    await page.goto(there);
    await page.locator(`main[data-place="${place}"]`).waitFor();
    expect(await state(page)).toEqual(set);
    expect(page.url()).toBe(there);
    await expect(page).toHaveTitle(`${title} · rumormill`);
  });
}

test.describe('what plays', () => {
  for (const place of [...tour.map((one) => one.place), 'sandbox']) {
    test(`${place} obeys the keys, moving or still`, async ({ page }) => {
      await open(page, place);
      test.skip(!(await transport(page).count()), 'nothing plays here');
      const title = page.locator('#screen-title');
      await title.focus();
      await page.keyboard.press('r');
      const first = await state(page);
      await page.keyboard.press('.');
      await expect.poll(() => state(page)).not.toEqual(first);
      const second = await state(page);
      await page.keyboard.press('r');
      await expect.poll(() => state(page)).toEqual(first);
      // Plays by itself, until told to pause.
      const play = transport(page).getByRole('button').first();
      await expect(play).toContainText('Play');
      await page.keyboard.press(' ');
      await expect(play).toContainText('Pause');
      await expect.poll(() => state(page)).not.toEqual(first);
      if ((await play.textContent())!.includes('Pause')) await page.keyboard.press(' ');
      await expect(play).toContainText('Play');
      await rewind(page).click();
      await expect.poll(() => state(page)).toEqual(first);
      // With animation off, the same key makes one step, and nothing moves after it.
      await page.getByRole('switch', { name: 'Animation' }).click();
      await expect(play).toContainText('Step');
      await title.focus();
      await page.keyboard.press(' ');
      await expect.poll(() => state(page)).toEqual(second);
      await frames(page, 20);
      expect(await state(page)).toEqual(second);
    });
  }
});

/** Waits until the browser has drawn so many frames. */
async function frames(page: Page, count: number): Promise<void> {
  await page.evaluate((count) => new Promise<void>((done) => {
    const tick = (left: number) => (left ? requestAnimationFrame(() => tick(left - 1)) : done());
    tick(count);
  }), count);
}

test('→ and ← turn the screens, and the arrows at the bottom left do', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, tour[0].place);
  for (const { place, title } of tour.slice(1)) {
    await page.keyboard.press('ArrowRight');
    await page.locator(`main[data-place="${place}"]`).waitFor();
    await expect(page).toHaveTitle(`${title} · rumormill`);
    await expect(page.locator('#screen-title')).toBeFocused();
  }
  const last = tour.length - 1;
  for (const { place } of tour.slice(0, last).reverse()) {
    await page.keyboard.press('ArrowLeft');
    await page.locator(`main[data-place="${place}"]`).waitFor();
  }
  const arrows = page.getByRole('navigation', { name: 'Screens, one by one' });
  const box = (await arrows.boundingBox())!;
  expect(box.x).toBeLessThan(10);
  expect(box.y + box.height).toBeGreaterThan(790);
  if (last) {
    await arrows.getByRole('link', { name: /^On/ }).click();
    await page.locator(`main[data-place="${tour[1].place}"]`).waitFor();
    await arrows.getByRole('link', { name: /^Back/ }).click();
    await page.locator(`main[data-place="${tour[0].place}"]`).waitFor();
  }
});

/** What a command needs from an agent; without one it fails, but not for its words. */
const WRONG_USAGE = 2;
const ALONE = ['predict', 'simulate', 'plan', 'sweep', 'replay'];
/** What goes on until it is ended: it has begun if it is there after a while. */
const ENDLESS = ['explore', 'agent', 'watch', 'monitor'];

test('every command line on the page is one that the program takes', async ({ page }, info) => {
  test.setTimeout(240_000);
  const commands = new Set<string>();
  for (const place of places) {
    await open(page, place);
    for (const command of await page.locator('main [data-command]').allTextContents()) commands.add(command.trim());
  }
  expect(commands.size).toBeGreaterThan(0);
  mkdirSync(info.outputPath(), { recursive: true });
  const wrong: string[] = [];
  for (const command of commands) {
    const words = split(command);
    expect(command).toMatch(/^rumormill /);
    const ran = await run(words, ENDLESS.includes(words[0]) ? 2000 : 60_000, info.outputPath());
    const fine = ALONE.includes(words[0]) ? ran.code === 0 : ran.code !== WRONG_USAGE;
    if (!fine) wrong.push(`${command}: exit ${ran.code}: ${ran.stderr.trim()}`);
  }
  expect(wrong).toEqual([]);
});

test('what no control could set is brought within its limits', async ({ page }) => {
  for (const [place, fixed] of [
    ['tour/1?nodes=100000&origin=-1', 'tour/1?nodes=200'],
    ['tour/2?nodes=1e99&fanout=-3&loss=7', 'tour/2?nodes=1000000&loss=0.9'],
    ['tour/2?runs=1e12&style=shout', 'tour/2?runs=100000'],
    ['tour/3?nodes=1000000', 'tour/3'],
    ['tour/13?nodes=1e9', 'tour/13?nodes=100000'],
  ]) {
    await page.goto('about:blank');
    await open(page, place);
    await expect(page).toHaveURL(new RegExp(`#/${fixed.replace('?', '\\?')}$`));
    expect(await page.locator('main [role=alert]').allTextContents()).toEqual([]);
  }
});
