// The same bundle on a plain file host, in a folder, without anything of ours behind it.

import { expect, figure, open, test, tour } from './page';

test('the tour computes there, although the host does not know WebAssembly', async ({ page }) => {
  const wasm = page.waitForResponse(/engine\.wasm$/);
  await open(page, 'tour/2');
  expect((await wasm).headers()['content-type']).toBe('application/octet-stream');
  expect(await figure(page, 'Mean, exact')).toBe('11.1581');
  await page.keyboard.press('ArrowLeft');
  await page.locator(`main[data-place="${tour[0].place}"]`).waitFor();
  expect(await page.locator('main [role=alert]').count()).toBe(0);
});

test('the sandbox runs there', async ({ page }) => {
  await open(page, 'sandbox');
  await expect(page.locator('#screen-title')).toBeVisible();
  expect(await page.locator('main [role=alert]').count()).toBe(0);
});

test('the cluster says that there is no agent behind it', async ({ page }) => {
  await open(page, 'cluster');
  await expect(page.locator('main')).toContainText(/agent/i);
});
