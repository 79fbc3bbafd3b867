// What all tests of the page share: they fail on any error that the browser reports and on any request
// that fails or leaves the page's host; readers for the figures of a screen; the command.

import { test as base, expect, type Page } from '@playwright/test';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { screens } from '../src/tour/screens';

export { expect, type Page };

/** The places of the page, as their addresses name them. */
export const tour = screens.map(({ number, title }) => ({ place: `tour/${number}`, title }));
export const places = [...tour.map(({ place }) => place), 'sandbox', 'cluster', 'record'];

/** What went wrong on a page, in words, as it happens. */
export function complaints(page: Page, origin: string): string[] {
  const found: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') found.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => found.push(`uncaught: ${error.stack ?? error.message}`));
  page.on('requestfailed', (request) => {
    // What a page that is left no longer wants.
    if (request.failure()?.errorText === 'net::ERR_ABORTED') return;
    found.push(`request failed: ${request.url()}: ${request.failure()?.errorText}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin) found.push(`a request leaves the host: ${url}`);
  });
  return found;
}

interface Fixtures {
  /** Complaints that the test expects: those that contain one of these words are none. */
  expected: string[];
  watched: void;
}

export const test = base.extend<Fixtures>({
  expected: [[], { option: true }],
  watched: [
    async ({ page, baseURL, expected }, use) => {
      const found = complaints(page, new URL(baseURL!).origin);
      // Violations of the content security policy that the console does not show.
      await page.addInitScript(() =>
        document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)),
      );
      await use();
      expect(found.filter((one) => !expected.some((words) => one.includes(words)))).toEqual([]);
    },
    { auto: true },
  ],
});

/** Opens a place, such as `tour/2?nodes=64`, and waits until it stands still. */
export async function open(page: Page, place: string): Promise<void> {
  await page.goto(`./#/${place}`);
  await page.locator(`main[data-place="${place.split('?')[0]}"]`).waitFor();
  await settled(page);
}

/** Waits until every question is answered and drawn. */
export async function settled(page: Page): Promise<void> {
  // In the page's own frames. (Playwright's `waitForFunction` would need `eval`, which the policy forbids.)
  await page.evaluate(() => new Promise<void>((done) => {
    let quiet = 0;
    const look = () => {
      quiet = document.documentElement.dataset.busy ? 0 : quiet + 1;
      if (quiet < 3) requestAnimationFrame(look);
      else done();
    };
    look();
  }));
}

export interface Table { head: string[]; rows: string[][] }

/** The table beside a picture; the only one, or that of a name. */
export async function mirror(page: Page, name?: string): Promise<Table> {
  const table = page.locator(name === undefined ? 'table[data-mirror]' : `table[data-mirror=${JSON.stringify(name)}]`);
  return table.evaluate((element) => {
    const cells = (row: Element) => [...row.children].map((cell) => cell.textContent!.trim());
    return {
      head: cells(element.querySelector('thead tr')!),
      rows: [...element.querySelectorAll('tbody tr')].map(cells),
    };
  });
}

/** The text of a figure, such as `Mean, exact`. */
export async function figure(page: Page, name: string): Promise<string> {
  return (await page.locator(`[data-figure=${JSON.stringify(name)}]`).textContent())!.trim();
}

const raised = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A number as the page writes it: `12,345`, `4.8×10⁻⁵`, `1 − 2×10⁻⁹`, `−3`, `12 %`. */
export function number(text: string): number {
  const plain = text.trim().replace(/,/g, '');
  const from_one = /^1 − (.+)$/.exec(plain);
  if (from_one) return 1 - number(from_one[1]);
  if (plain.endsWith('%')) return number(plain.slice(0, -1)) / 100;
  if (plain.startsWith('−')) return -number(plain.slice(1));
  if (plain === '∞') return Infinity;
  const [, lead, sign, exponent] = /^(?:([\d.]+)×)?10(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/.exec(plain) ?? [];
  if (exponent === undefined) return plain === '' ? NaN : Number(plain);
  const power = [...exponent].map((digit) => raised.indexOf(digit)).join('');
  return Number(`${lead ?? 1}e${sign ? '-' : ''}${power}`);
}

/** Everything that a place says in figures: for comparing a place with itself. */
export async function state(page: Page): Promise<Record<string, string>> {
  await settled(page);
  return page.evaluate(() => {
    const all: [string, string][] = [];
    document.querySelectorAll<HTMLElement>('main [data-figure]').forEach((one, i) => all.push([`figure ${i} ${one.dataset.figure}`, one.textContent!.trim()]));
    document.querySelectorAll<HTMLElement>('main table[data-mirror]').forEach((one, i) => all.push([`table ${i} ${one.dataset.mirror}`, one.textContent!.trim()]));
    document.querySelectorAll('main output').forEach((one, i) => all.push([`output ${i}`, one.textContent!.trim()]));
    document.querySelectorAll<HTMLElement>('main [data-command]').forEach((one, i) => all.push([`command ${i}`, one.textContent!.trim()]));
    return Object.fromEntries(all);
  });
}

export interface Ran { code: number; stdout: string; stderr: string }

/** Runs the command; `words` as a shell would split them. Files are in `cwd`. One that is ended after `timeout` has the code -1. */
export async function run(words: string[], timeout = 50_000, cwd?: string): Promise<Ran> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.env.RUMORMILL_BIN!, words, { timeout, cwd, maxBuffer: 1 << 28 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr, killed } = error as { code: number; stdout: string; stderr: string; killed: boolean };
    return { code: killed ? -1 : code, stdout, stderr };
  }
}

/** What `rumormill … --json` prints; the words as one text, or one by one. */
export async function cli<T = any>(command: string | string[]): Promise<T> {
  const words = typeof command === 'string' ? split(command) : command;
  const ran = await run([...words, ...(words.includes('--json') ? [] : ['--json'])]);
  if (ran.code !== 0) throw new Error(`rumormill ${words.join(' ')}: exit ${ran.code}: ${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

/** A command line's words, without the program's name; single and double quotes hold words together. */
export function split(command: string): string[] {
  const words = [...command.matchAll(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  return words[0] === 'rumormill' ? words.slice(1) : words;
}
