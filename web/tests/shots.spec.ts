// Not a test: a picture of each place in light, dark and narrow, for people to look at, in web/shots.

import { open, places, test } from './page';

const looks = {
  light: { width: 1280, height: 800, colorScheme: 'light' },
  dark: { width: 1280, height: 800, colorScheme: 'dark' },
  narrow: { width: 390, height: 844, colorScheme: 'light' },
} as const;

for (const place of places) {
  for (const [look, { width, height, colorScheme }] of Object.entries(looks)) {
    test(`${place}, ${look}`, async ({ page }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await open(page, place);
      await page.waitForLoadState('networkidle');
      await page.evaluate(() => document.fonts.ready);
      const path = `shots/${place.replace('/', '-')}-${look}.png`;
      await page.screenshot({ path, fullPage: true });
    });
  }
}
