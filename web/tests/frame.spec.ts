// The page around its places: head, help, switches, addresses, and what its host says with it.

import { expect, open, state, test, tour } from './page';

const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

test('goes out with a strict policy, and nothing inline', async ({ page, request }) => {
  const answer = await request.get('./');
  expect(answer.headers()['content-security-policy']).toBe(POLICY);
  expect(answer.headers()['x-content-type-options']).toBe('nosniff');
  const text = await answer.text();
  expect(text).not.toMatch(/<script(?![^>]*\bsrc=)/);
  expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=/);
  const types = { 'engine.wasm': 'application/wasm', 'icon.svg': 'image/svg+xml' };
  for (const [path, type] of Object.entries(types)) expect((await request.get(path)).headers()['content-type']).toBe(type);
  await open(page, 'tour/2');
});

test('an address that names nothing says so', async ({ page }) => {
  await open(page, 'tour/2');
  await page.goto('./#/no/such/place');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('There is nothing here');
  await page.getByRole('link', { name: 'Start the tour' }).click();
  await page.locator(`main[data-place="${tour[0].place}"]`).waitFor();
});

test('markup in an address is text, and nonsense is the default', async ({ page }) => {
  await open(page, 'tour/2');
  const usual = await state(page);
  await page.goto('about:blank');
  await open(page, `tour/2?seed=${encodeURIComponent('<img src=x onerror=alert(1)>')}&nodes=NaN&unknown=1`);
  expect(await state(page)).toEqual(usual);
  expect(await page.locator('img[src="x"]').count()).toBe(0);
});

test('? opens the help, Esc closes it, and the focus is back', async ({ page }) => {
  await open(page, 'tour/2');
  const help = page.getByRole('dialog', { name: 'Keys and help' });
  await expect(help).toBeHidden();
  await page.keyboard.press('?');
  await expect(help).toBeVisible();
  // The keys of the page rest while it is open.
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Escape');
  await expect(help).toBeHidden();
  await expect(page.locator('main')).toHaveAttribute('data-place', 'tour/2');
  const button = page.getByRole('button', { name: 'Keys and help' });
  await button.click();
  await help.getByRole('button', { name: 'Close' }).click();
  await expect(button).toBeFocused();
});

test('the theme follows the system, and a switch overrides it for the next visit, too', async ({ page }) => {
  await open(page, 'tour/2');
  const html = page.locator('html');
  await expect(html).toHaveAttribute('data-theme', 'light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect(html).toHaveAttribute('data-theme', 'dark');
  const paper = () => page.evaluate(() => getComputedStyle(document.body.parentElement!).backgroundColor);
  const dark = await paper();
  await page.getByRole('button', { name: 'Light colours' }).click();
  await expect(html).toHaveAttribute('data-theme', 'light');
  expect(await paper()).not.toBe(dark);
  await page.reload();
  await expect(html).toHaveAttribute('data-theme', 'light');
});

test('the switch for animation is kept for the next visit', async ({ page }) => {
  await open(page, 'tour/2');
  const motion = page.getByRole('switch', { name: 'Animation' });
  await expect(motion).toHaveAttribute('aria-checked', 'true');
  await motion.click();
  await expect(motion).toHaveAttribute('aria-checked', 'false');
  await page.reload();
  await expect(motion).toHaveAttribute('aria-checked', 'false');
});

test.describe('for who asks the system for reduced motion', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });
  test('animation is off from the start, and can be had all the same', async ({ page }) => {
    await open(page, 'tour/2');
    const motion = page.getByRole('switch', { name: 'Animation' });
    await expect(motion).toHaveAttribute('aria-checked', 'false');
    await motion.click();
    await expect(motion).toHaveAttribute('aria-checked', 'true');
  });
});

test('the keyboard reaches the text at once, and keys in a field are the field’s', async ({ page }) => {
  await open(page, 'tour/2');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.locator('#screen-title')).toBeFocused();
  const field = page.getByRole('textbox', { name: 'Nodes, typed' });
  await field.fill('100');
  await field.press('ArrowLeft');
  await field.press('.');
  await expect(page.locator('main')).toHaveAttribute('data-place', 'tour/2');
  await field.fill('100');
  await field.press('Enter');
  await expect(page).toHaveURL(/nodes=100/);
});

test('what the core refuses is said in its words', async ({ page }) => {
  await open(page, 'tour/4?graph=nix');
  await expect(page.getByRole('alert').first()).toContainText('there is no such graph');
});

test('figures are those of the command', async ({ page }) => {
  const { cli, figure, mirror, number } = await import('./page');
  for (const [query, flags] of [['', '--nodes 64'], ['nodes=1000&loss=0.2&style=pull&seed=5', '--nodes 1000 --loss 0.2 --style pull']]) {
    await page.goto('about:blank');
    await open(page, `tour/2?${query}`);
    const law = await cli(`predict spread ${flags}`);
    expect(number(await figure(page, 'Mean, exact'))).toBeCloseTo(law.mean, 3);
    const runs = await cli(`simulate spread ${flags} --runs 10000 --seed ${query.includes('seed') ? 5 : 1}`);
    const { rows } = await mirror(page, 'Runs by finishing round');
    const counted = Object.fromEntries(rows.map(([round, simulated]) => [round, number(simulated)]).filter(([, n]) => n));
    expect(counted).toEqual(finished(runs));
  }
});

/** Runs by finishing round, from the shares that the command prints. */
function finished({ survival, runs }: { survival: number[]; runs: number }): Record<string, number> {
  const counts = survival.map((after, round) => [String(round), Math.round(((round ? survival[round - 1] : 1) - after) * runs)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count));
}
