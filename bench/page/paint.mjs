// Milliseconds to the page's first paint, served by the binary to a browser that has never seen it:
// `node bench/page/paint.mjs`. Ten times, each with an empty cache; the medians are printed.
import { browser, explore, median, settled } from './browser.mjs';

const TIMES = 10;
const chromium = await browser();
const served = await explore();
const paints = [];
const charts = [];
for (let time = 0; time < TIMES; time += 1) {
  const context = await chromium.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${served.url}#/tour/2`);
  await settled(page);
  const [paint, now] = await page.evaluate(() => [performance.getEntriesByName('first-contentful-paint')[0].startTime, performance.now()]);
  paints.push(paint);
  charts.push(now);
  await context.close();
}
await chromium.close();
await served.end();
const range = (times) => `${median(times).toFixed(0)} ms (${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)})`;
console.log(`first contentful paint       ${range(paints)}`);
console.log(`all charts of screen 2 drawn ${range(charts)}`);
