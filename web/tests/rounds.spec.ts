// The screens about rounds: their figures are those of the command, and the runs that they show are the
// command's runs.

import { cli, expect, figure, mirror, number, open, type Page, settled, test } from './page';

/** What a text says is this value, to so many significant digits. */
function same(text: string, value: number, digits: number, what = ''): void {
  const seen = number(text);
  if (value === 0) return expect(seen, what).toBe(0);
  expect(Math.abs(seen / value - 1), `${what}: ${text} for ${value}`).toBeLessThanOrEqual(0.501 * 10 ** (1 - digits));
}

/** A column of a table, by its title. */
async function column(page: Page, name: string, title: string): Promise<string[]> {
  const { head, rows } = await mirror(page, name);
  const at = head.indexOf(title);
  expect(at, `a column "${title}" in ${head}`).toBeGreaterThanOrEqual(0);
  return rows.map((row) => row[at]);
}

/** The run in a table is the one that the command makes: informed after each round, and messages up to it. */
async function is_run(page: Page, table: string, command: string): Promise<void> {
  const made = await cli(command);
  const informed = (await column(page, table, 'informed after it')).map(number);
  expect(informed).toEqual(made.informed);
  let sum = 0;
  const sent = (await column(page, table, 'messages')).map((text) => (sum += number(text)));
  expect(sent).toEqual(made.messages_by_round);
}

/** The command that the page shows which begins so. */
async function command(page: Page, start: string): Promise<string> {
  const all = await page.locator('main [data-command]').allTextContents();
  const found = all.map((text) => text.trim()).find((text) => text.startsWith(`rumormill ${start}`));
  if (!found) throw new Error(`no command "${start}" among ${all}`);
  return found;
}

async function still(page: Page): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
}

const status = (page: Page) => page.locator('main .transport output').first();
const step = (page: Page) => page.locator('main .transport').first().getByRole('button', { name: 'Step' });

test('1: the run is the command’s, its mean the exact one', async ({ page }) => {
  await still(page);
  await open(page, 'tour/1?nodes=40&loss=0.2&origin=5&seed=11');
  const shown = await command(page, 'simulate spread');
  expect(shown).toBe('rumormill simulate spread --nodes 40 --loss 0.2 --origin 5 --runs 1 --engine reference --seed 11');
  await is_run(page, 'The run by round', shown);
  const law = await cli('predict spread --nodes 40 --loss 0.2');
  same(await figure(page, 'Mean of all runs'), law.mean, 5);
  const exact = (await cli('simulate spread --nodes 40 --loss 0.2 --origin 5 --runs 1000 --seed 11')).exact.informed;
  const means = await column(page, 'Informed nodes by round', 'mean, exact');
  for (const [round, text] of means.entries()) if (text !== '–') same(text, exact[round], 6, `round ${round}`);
  expect(means.filter((text) => text !== '–').length).toBeGreaterThan(8);
  // Step by step to its end, as the table says.
  const informed = await column(page, 'The run by round', 'informed after it');
  for (let round = 1; round < informed.length - 1; round += 1) {
    await step(page).click();
    await expect(status(page)).toHaveText(`Round ${round}: ${informed[round]} of 40 know`);
  }
  await step(page).click();
  await expect(status(page)).toContainText(`Round ${informed.length - 1}: all 40 know`);
});

test('1: a click on a node starts the rumor there', async ({ page }) => {
  await still(page);
  await open(page, 'tour/1?nodes=40&origin=5&seed=11');
  const canvas = page.locator('main canvas').first();
  const { width, height } = (await canvas.boundingBox())!;
  // The node nearest to the middle is number 0.
  await canvas.click({ position: { x: width / 2, y: height / 2 } });
  await settled(page);
  await expect.poll(() => page.url()).not.toContain('origin=5');
  await expect(status(page)).toHaveText('Round 1: 2 of 40 know');
  await is_run(page, 'The run by round', 'simulate spread --nodes 40 --origin 0 --runs 1 --engine reference --seed 11');
});

test('3: the perfect run, its chance, and what hangs on a message', async ({ page }) => {
  await open(page, 'tour/3');
  const eight = await cli('predict doubling --nodes 8');
  const perfect = 10 ** eight.log10_all_rounds;
  expect(Math.abs(perfect - 6.1199e-3)).toBeLessThan(1e-7);
  same(await figure(page, 'Chance of 3 rounds'), perfect, 5);
  same(await figure(page, 'Chance of a perfect last round'), 10 ** eight.log10_last_round, 5);
  expect(await figure(page, 'Rounds of this run')).toBe('3');
  expect(await column(page, 'The run by round', 'informed after it')).toEqual(['1', '2', '4', '8']);
  // It is the run of that number: what it adds to the runs before it.
  const title = await page.locator('main figcaption b').first().textContent();
  const runs = number(/run ([\d,]+)$/.exec(title!)![1]);
  const [upto, before] = await Promise.all([runs, runs - 1].map((n) => cli(`simulate spread --nodes 8 --origin 0 --engine reference --seed 1 --runs ${n}`)));
  expect(Math.round(upto.mean * runs - before.mean * (runs - 1))).toBe(3);

  expect(await figure(page, 'Informed in the end')).toBe('8 of 8');
  await page.getByRole('button', { name: /^Message 0 to 1 / }).click();
  await expect(page.locator('[data-figure="Informed in the end"]')).toHaveText('4 of 8');
  expect(page.url()).toContain('lose=1');
  await page.getByRole('button', { name: /^Message 0 to 4 / }).press('Enter');
  await expect(page.locator('[data-figure="Informed in the end"]')).toHaveText('3 of 8');
  const lossy = await cli('predict doubling --nodes 8 --loss 0.1');
  same(await figure(page, 'Reaches all, at loss 0.1'), lossy.complete, 4);
  same(await figure(page, 'Mean share informed'), lossy.informed, 4);

  const { survival } = await cli('predict spread --nodes 8');
  const chances = await column(page, 'Chance of each finishing round', 'exact');
  for (let x = 3; x < 10; x += 1) same(chances[x], survival[x - 1] - survival[x], 6, `round ${x}`);
});

test('4: graphs as the command knows them', async ({ page }) => {
  await open(page, 'tour/4?graph=grid&nodes=36&origin=7&seed=5');
  const grid = await cli('predict graph --graph grid --nodes 36 --origin 7 --seed 5');
  expect(number(await figure(page, 'Eccentricity of node 7'))).toBe(grid.origin.eccentricity);
  expect(number(await figure(page, 'Diameter'))).toBe(grid.diameter);
  expect(number(await figure(page, 'Rounds, at least'))).toBe(grid.rounds_at_least);
  const many = await command(page, 'simulate spread');
  same(await figure(page, 'Mean of 500 runs'), (await cli(many)).mean, 4);
  await is_run(page, 'The run by round', 'simulate spread --nodes 36 --graph grid --origin 7 --runs 1 --engine reference --seed 5');

  await open(page, 'tour/4?graph=random-regular:4&nodes=36&origin=7&seed=5');
  await is_run(page, 'The run by round', 'simulate spread --nodes 36 --graph random-regular:4 --origin 7 --runs 1 --engine reference --seed 5');
  const random = await cli('predict graph --graph random-regular:4 --nodes 36 --origin 7 --seed 5');
  expect(number(await figure(page, 'Eccentricity of node 7'))).toBe(random.origin.eccentricity);
  expect(number(await figure(page, 'Diameter'))).toBe(random.diameter);

  await open(page, 'tour/4?graph=star&nodes=36&seed=5');
  const star = await cli('predict graph --graph star --nodes 36');
  same(await figure(page, 'Exact mean'), star.exact_mean, 6);
  const { rows } = await mirror(page, 'Six graphs');
  const by_name = Object.fromEntries(rows.map(([name, ...values]) => [name, values]));
  same(by_name.Star[2], star.exact_mean, 6);
  same(by_name.Ring[2], (await cli('predict graph --graph ring --nodes 36')).exact_mean, 6);
  same(by_name.Complete[2], (await cli('predict spread --nodes 36')).mean, 6);
  // The wheel is not n ln n.
  const wheels = await mirror(page, 'The wheel as nodes are added');
  const at = wheels.rows.find(([nodes]) => nodes === '1,024')!;
  same(at[1], 7685, 2);
  expect(number(at[2])).toBeGreaterThan(100);
  expect(number(at[2])).toBeLessThan(160);
  const wheel = await cli('simulate spread --graph wheel --nodes 1024 --origin 0 --runs 100 --seed 5');
  same(at[2], wheel.mean, 5);
});

test('5: the tail, exact and simulated', async ({ page }) => {
  await open(page, 'tour/5');
  const law = await cli('predict spread --nodes 3');
  expect(Math.abs(law.mean - 7 / 3)).toBeLessThan(1e-12);
  same(await figure(page, 'Mean rounds, exact'), 7 / 3, 6);
  expect(await figure(page, 'A round fails with')).toBe('0.25');
  const made = await cli(await command(page, 'simulate spread'));
  same(await figure(page, 'Mean rounds, simulated'), made.mean, 6);
  const name = 'Chance that x rounds are not enough';
  const exact = await column(page, name, 'exact');
  const simulated = await column(page, name, 'simulated, 100,000 runs');
  for (let x = 0; x < 8; x += 1) {
    same(exact[x], law.survival[x], 6, `round ${x}`);
    same(simulated[x], made.survival[x], 6, `round ${x}`);
  }
  const slowest = made.survival.findIndex((share: number) => share === 0);
  expect(number(await figure(page, 'Slowest seen'))).toBe(slowest);
  expect((await column(page, 'The run by round', 'round')).at(-1)).toBe(String(slowest));
});

test('9: the runs that fail, and how often they do', async ({ page }) => {
  await still(page);
  await open(page, 'tour/9?k=5');
  const end = await cli('predict stop --nodes 64 --stop feedback-coin:5 --semantics sequential');
  expect(Math.abs(end.incomplete.value - 0.1595)).toBeLessThan(1e-4);
  same(await figure(page, 'Somebody is missed, exact'), end.incomplete.value, 5);
  same(await figure(page, 'Residue, exact'), end.residue.value, 4);
  same(await figure(page, 'Messages a node, exact'), end.traffic.value, 4);
  const made = await cli(await command(page, 'simulate spread'));
  same(await figure(page, 'Somebody is missed, simulated'), made.incomplete, 4);
  expect(Math.abs(made.incomplete - end.incomplete.value)).toBeLessThan(0.04);

  // The run that is shown is that of its number, and somebody never hears in it.
  const title = (await page.locator('main figcaption b').first().textContent())!;
  const number_of = number(/number ([\d,]+)$/.exec(title)![1]) - 1;
  const informed = (await column(page, 'The run by round', 'informed after it')).map(number);
  expect(informed.at(-1)).toBeLessThan(64);
  const flags = '--nodes 64 --stop feedback-coin:5 --semantics sequential --engine reference --seed 1';
  const upto = await cli(`simulate spread ${flags} --runs ${number_of + 1}`);
  const before = number_of ? await cli(`simulate spread ${flags} --runs ${number_of}`) : { informed: [], rounds: [] };
  const last = before.informed.at(-1) ?? 0;
  for (const [round, seen] of informed.entries()) {
    const total = upto.informed[round] * (number_of + 1) - (before.informed[round] ?? last) * number_of;
    expect(Math.round(total), `round ${round}`).toBe(seen);
  }
  for (let i = 1; i < informed.length; i += 1) await step(page).click();
  await expect(status(page)).toHaveText(`It is over: ${64 - informed.at(-1)!} of 64 never hear`);

  const exact = await column(page, 'The residue for each k', 'exact');
  for (const k of [1, 3, 6]) {
    const one = await cli(`predict stop --nodes 64 --stop feedback-coin:${k} --semantics sequential`);
    same(exact[k - 1], one.residue.value, 4, `k = ${k}`);
  }
  const grown = await mirror(page, 'No fixed k is enough');
  const many = await cli('predict stop --nodes 2048 --stop feedback-coin:5 --semantics sequential');
  same(grown.rows.at(-1)![grown.head.indexOf('k = 5')], many.incomplete.value, 5);
  expect(many.incomplete.value).toBeGreaterThan(0.95);

  await open(page, 'tour/9?rule=counter&counted=blind&k=4');
  const counter = await cli('predict stop --nodes 64 --stop blind-counter:4 --semantics sequential');
  same(await figure(page, 'Somebody is missed, exact'), counter.incomplete.value, 5);

  await open(page, 'tour/9?rule=cap&rounds=12');
  const law = await cli('predict spread --nodes 64');
  expect(Math.abs(law.survival[12] - 0.139960294874)).toBeLessThan(1e-12);
  same(await figure(page, 'Somebody is missed, exact'), law.survival[12], 5);
  same((await column(page, 'How often a cap fails', 'exact'))[12], law.survival[12], 6);
});

test('10: one sender and many mouths, by loss', async ({ page }) => {
  await open(page, 'tour/10');
  await is_run(page, 'Gossip by round', await command(page, 'simulate spread --nodes 64 --fanout'));
  const ways = await cli('predict broadcast --nodes 64 --loss 0.1');
  const [single, , acknowledged, eager] = ways;
  expect(Math.abs(single.success - 0.00131)).toBeLessThan(1e-5);
  const here = await mirror(page, 'The ways at this loss');
  const row = (name: string) => here.rows.find(([title]) => title.startsWith(name))!;
  same(row('single shot')[3], single.failure, 4);
  same(row('until acknowledged')[1], acknowledged.messages, 5);
  same(row('until acknowledged')[2], acknowledged.rounds, 4);
  same(row('eager')[1], eager.messages, 5);
  same(row('eager')[3], eager.failure, 4);
  const gossip = await cli('predict stop --nodes 64 --fanout 2 --loss 0.1 --stop rounds:10');
  same(row('gossip')[1], gossip.traffic.value * 64, 5);
  same(row('gossip')[3], gossip.incomplete.value, 4);

  const name = 'Everybody hears, by loss';
  const losses = await column(page, name, 'loss p');
  const tenth = losses.indexOf('0.1');
  const at = async (title: string) => (await column(page, name, title))[tenth];
  same(await at('single shot'), single.success, 5);
  same(await at('gossip, 10 rounds'), 1 - gossip.incomplete.value, 5);
  for (const [title, way] of [['single shot, simulated', 'single-shot'], ['repeated, simulated', 'repeated:3'], ['eager, simulated', 'eager']]) {
    const made = await cli(`simulate spread --nodes 64 --loss 0.1 --broadcast ${way} --runs 1000 --seed 1`);
    same(await at(title), 1 - made.incomplete, 5, title);
    if (way === 'repeated:3') same(await at('repeated 3×'), 1 - made.exact.incomplete, 5);
  }
  const made = await cli('simulate spread --nodes 64 --fanout 2 --loss 0.1 --stop rounds:10 --runs 1000 --seed 1');
  same(await at('gossip, simulated'), 1 - made.incomplete, 5);

  const rounds = await column(page, 'Rounds and messages by fan-out', 'rounds, exact');
  const messages = await column(page, 'Rounds and messages by fan-out', 'messages a node, exact');
  for (const k of [1, 2, 4, 8]) {
    const law = await cli(`predict spread --nodes 64 --fanout ${k} --loss 0.1`);
    same(rounds[k - 1], law.mean, 6, `k = ${k}`);
    same(messages[k - 1], law.messages / 64, 6, `k = ${k}`);
  }
});
