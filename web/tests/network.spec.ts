// Screen 12, the sandbox and recorded runs: what they show is what the command prints; a round that is
// gone back to is the same again, and a fork is not.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { short } from '../src/page/numbers';
import { cli, expect, figure, mirror, number, open, run, settled, split, test, type Page } from './page';

async function column(page: Page, table: string, title: string): Promise<string[]> {
  const { head, rows } = await mirror(page, table);
  const at = head.indexOf(title);
  expect(at, `${table} has a column ${title}: ${head}`).toBeGreaterThanOrEqual(0);
  return rows.map((cells) => cells[at]);
}

interface Averages { by_round: { mean_error: number; mass_lost: number; variance: number }[]; factor: { mean: number; theory: number } }

test.describe('a sum that nobody owns', () => {
  for (const settings of ['nodes=200&loss=0.02&seed=1', 'nodes=64&loss=0&seed=5&kill=yes', 'nodes=50&loss=0&seed=3']) {
    test(`shows what the command prints: ${settings}`, async ({ page }) => {
      await open(page, `tour/12?${settings}`);
      const commands = (await page.locator('[data-command]').allTextContents()).filter((one) => one.includes('simulate average'));
      expect(commands).toHaveLength(2);
      for (const [command, name] of [[commands[0], 'plain SPSP'], [commands[1], 'ledger']]) {
        const printed = await cli<Averages>(split(command));
        const written = (values: number[]) => values.map((value) => (value === 0 ? '0' : short(value, 8)));
        expect(await column(page, 'Mean error by round', name)).toEqual(written(printed.by_round.map((row) => row.mean_error)));
        expect(await column(page, 'Mass missing by round', name)).toEqual(written(printed.by_round.map((row) => -row.mass_lost)));
        if (name === 'ledger') {
          expect(await figure(page, 'Variance, factor a round')).toBe(short(printed.factor.mean));
          expect(await figure(page, 'Exact, without faults')).toBe(short(printed.factor.theory, 6));
          // Between a crash and its detection the books with the dead are still open.
          expect(printed.by_round.at(-1)!.mass_lost).toBe(0);
        }
      }
    });
  }

  test('a lost message takes mass from SPSP, and none from the ledger', async ({ page }) => {
    await open(page, 'tour/12');
    expect(await figure(page, 'Mass that is left')).toBe('15');
    expect(await figure(page, 'Sum, in the end')).toBe('15');
    await page.getByRole('button', { name: 'Lose message 2' }).click();
    await settled(page);
    expect(await figure(page, 'Mass that is left')).toBe('10');
    expect(await figure(page, 'Sum, in the end')).toBe('10');
    expect((await column(page, 'Messages between two nodes', 'lost')).slice(0, 3)).toEqual(['no', 'yes', 'no']);
    await expect(page).toHaveURL(/lose=1/);
    await page.getByText('With a ledger').click();
    await settled(page);
    expect(await figure(page, 'Mass that is left')).toBe('15');
    expect(await figure(page, 'Average, in the end')).toBe('7.5');
  });
});

test.describe('the sandbox', () => {
  /** What a session shows: its statistics and its states. */
  const shown = async (page: Page) => {
    await settled(page);
    return { status: await page.locator('main output').first().textContent(), states: await mirror(page, 'What the nodes are'), run: await column(page, 'The run by round', 'this run') };
  };
  /** The pixels of the nodes. */
  const picture = (page: Page, at = 0) => page.locator('.field canvas:first-child').nth(at).evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());

  test('a round that is gone back to is the same again, and a link brings another reader there', async ({ page }) => {
    await open(page, 'sandbox?nodes=1000&seed=4');
    const step = page.getByRole('button', { name: 'Step', exact: true }).first();
    const to = async (round: number) => {
      while (!(await page.locator('main output').first().textContent())!.startsWith(`Round ${round}:`)) {
        await step.click();
        await settled(page);
      }
    };
    await to(8);
    await page.getByRole('button', { name: 'Kill a tenth' }).click();
    await page.getByRole('button', { name: 'Cut off 40 %' }).click();
    await to(12);
    const [before, pixels] = [await shown(page), await picture(page)];
    await to(15);
    const later = await shown(page);
    expect(later).not.toEqual(before);
    await page.getByLabel('Round', { exact: true }).fill('12');
    expect(await shown(page)).toEqual(before);
    expect(await picture(page)).toBe(pixels);
    const link = page.url();
    expect(link).toContain('at=12');
    await page.goto('about:blank');
    await page.goto(link);
    await page.locator('main[data-place="sandbox"]').waitFor();
    expect(await shown(page)).toEqual(before);
    expect(await picture(page)).toBe(pixels);
  });

  test('a fork has the same past and another future', async ({ page }) => {
    await open(page, 'sandbox?nodes=1000&seed=4&at=6');
    await page.getByRole('button', { name: 'Fork', exact: true }).click();
    await settled(page);
    await expect(page.locator('.field')).toHaveCount(2);
    for (let i = 0; i < 4; i++) {
      await page.getByRole('button', { name: 'Step', exact: true }).first().click();
      await settled(page);
    }
    const [mine, forks] = [await column(page, 'The run by round', 'this run'), await column(page, 'The run by round', 'its fork')];
    expect(forks.slice(0, 7)).toEqual(mine.slice(0, 7));
    expect(forks.slice(7, 11)).not.toEqual(mine.slice(7, 11));
    expect(await picture(page, 0)).not.toBe(await picture(page, 1));
  });

  test('its run is that of the command', async ({ page }) => {
    await open(page, 'sandbox?nodes=500&style=push-pull&loss=0.1&seed=9&at=5');
    const command = (await page.locator('[data-command]').first().textContent())!;
    const printed = await cli<{ informed: number[] }>(split(command));
    const mine = await column(page, 'The run by round', 'this run');
    expect(mine.slice(0, 6).map(number)).toEqual(printed.informed.slice(0, 6));
  });
});

test.describe('recorded runs', () => {
  let folder = '';
  test.beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'rumormill-page-'))));
  test.afterAll(() => rm(folder, { recursive: true, force: true }));

  interface Printed { slice?: { sample: { at: number; running: number }; nodes: { aggregates: { value: number | null }[] }[] }; ending?: { failure: string | null } }

  test('one of the command is dropped, and shows what replay prints', async ({ page }) => {
    const file = join(folder, 'run.trace');
    const made = await run(['simulate', 'cluster', '--nodes', '6', '--duration', '10s', '--crash', 'n2@4s', '--seed', '3', '--record', file]);
    expect(made.code).toBe(0);
    const digest = /Digest ([0-9a-f]{16})/.exec(made.stdout)![1];
    const replay = await run(['replay', file, '--json']);
    const lines = replay.stdout.trim().split('\n').map((line) => JSON.parse(line) as Printed);
    const slices = lines.flatMap(({ slice }) => slice ?? []);

    await open(page, 'record');
    // Dropped, as by hand.
    const bytes = (await readFile(file)).toString('base64');
    await page.evaluate((text) => {
      const data = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([data], 'run.trace'));
      window.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));
    }, bytes);
    await expect(page.locator('[data-figure="Digest"]')).toHaveText(digest);
    expect(await figure(page, 'Outcome')).toBe('✓ holds');
    await expect(page.getByRole('button', { name: /crash: n2/ })).toBeVisible();
    // To the end, and one before: what the nodes say there.
    for (const at of [slices.length - 1, Math.floor(slices.length / 2)]) {
      await page.getByLabel('Time', { exact: true }).fill(String(at));
      await settled(page);
      const wanted = slices[at].nodes.map(({ aggregates }) => short(aggregates[0]?.value, 6));
      expect(await column(page, 'Nodes', 'estimate')).toEqual(wanted);
      expect(await figure(page, 'Running')).toContain(`${slices[at].sample.running} of `);
    }
  });

  test('a scenario in the address runs here, to the same digest', async ({ page }) => {
    const flags = ['--nodes', '5', '--duration', '8s', '--partition', '3s..5s', '--seed', '11'];
    const made = await cli<{ digest: string; scenario: object; verdict: string }>(['simulate', 'cluster', ...flags]);
    const scenario = Buffer.from(JSON.stringify(made.scenario)).toString('base64url');
    await open(page, `record?scenario=${scenario}`);
    await expect(page.locator('[data-figure="Digest"]')).toHaveText(made.digest, { timeout: 40_000 });
    expect(await figure(page, 'Outcome')).toBe('✓ holds');
  });

  test('what is no recording is refused in words', async ({ page }) => {
    await open(page, 'record');
    await page.setInputFiles('input[type=file]', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
    await expect(page.getByRole('alert')).toContainText('not a trace');
    await page.goto('./#/record?scenario=eyJub2R');
    await expect(page.getByRole('alert')).toContainText('torn');
  });
});
