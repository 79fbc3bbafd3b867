// Frames a second of the sandbox, and rounds: `node bench/page/frames.mjs [URL]`, of a page that is
// served at URL, or by the binary. Every frame paints all nodes; the sandbox is asked for 60 rounds a
// second, each of them the core's own work.
import { loadavg } from 'node:os';
import { browser, explore, settled } from './browser.mjs';

const SECONDS = 5;
const questions = [
  ['rumor, complete', 'mode=rumor'],
  ['rumor, random-regular:8', 'mode=rumor&graph=random-regular:8'],
  ['average by SPSP, complete', 'mode=average&protocol=spsp'],
];
const chromium = await browser();
const served = process.argv[2] ? { url: process.argv[2], end: async () => {} } : await explore();
console.log(`${''.padEnd(34)}${['frames/s', 'rounds/s', 'slowest ms', 'load'].map((head) => head.padStart(12)).join('')}`);
for (const nodes of [10_000, 50_000]) {
  for (const [name, query] of questions) {
    const context = await chromium.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'no-preference' });
    const page = await context.newPage();
    await page.goto(`${served.url}#/sandbox?nodes=${nodes}&rate=60&${query}`);
    await settled(page);
    await page.keyboard.press(' ');
    const seen = await page.evaluate(async (seconds) => {
      const round = () => Number(/Round ([\d,]+)/.exec(document.querySelector('main output').textContent)[1].replace(/,/g, ''));
      const frame = () => new Promise(requestAnimationFrame);
      const times = [];
      for (const until = performance.now() + 1000; performance.now() < until; ) await frame();
      const [from, at] = [round(), performance.now()];
      let last = at;
      for (let now = at; now < at + 1000 * seconds; ) {
        now = await frame().then(() => performance.now());
        times.push(now - last);
        last = now;
      }
      const took = (last - at) / 1000;
      return { frames: times.length / took, rounds: (round() - from) / took, slowest: Math.max(...times) };
    }, SECONDS);
    const cells = [seen.frames.toFixed(1), seen.rounds.toFixed(1), seen.slowest.toFixed(0), loadavg()[0].toFixed(1)];
    console.log(`${`${nodes.toLocaleString('en-US')} ${name}`.padEnd(34)}${cells.map((cell) => cell.padStart(12)).join('')}`);
    await context.close();
  }
}
await chromium.close();
await served.end();
