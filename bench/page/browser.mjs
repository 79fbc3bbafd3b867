// A browser and a served page, for the measurements.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const { chromium } = createRequire(new URL('../../web/package.json', import.meta.url))('@playwright/test');

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** Starts Chromium, without a GPU. */
export function browser() {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
  return chromium.launch({ executablePath, args });
}

/** Starts `rumormill explore`; returns its address, and how to end it. The binary is `RUMORMILL_BIN`, or the release build. */
export async function explore() {
  const binary = process.env.RUMORMILL_BIN ?? here('../../target/release/rumormill');
  const child = spawn(binary, ['explore', '--no-open', '--bind', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.once('exit', done));
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^the page is at (\S+)$/.exec(line)?.[1];
    if (url) return { url, end: () => (child.kill(), ended) };
  }
  throw new Error(`${binary} printed no address`);
}

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Waits until every question of the page is answered and drawn. */
export const settled = (page) =>
  page.evaluate(() => new Promise((done) => {
    let quiet = 0;
    const look = () => {
      quiet = document.querySelector('main[data-place]') && !document.documentElement.dataset.busy ? quiet + 1 : 0;
      if (quiet < 3) requestAnimationFrame(look);
      else done();
    };
    look();
  }));
