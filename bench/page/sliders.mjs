// Milliseconds from moving a slider to the picture, and of the exact law in the page's worker, in a
// browser: `node bench/page/sliders.mjs`. The times include what other programs take of the machine.
import { browser, explore, median, settled } from './browser.mjs';

const MOVES = 20;
const TURNS = 5;
const SIZES = [10, 64, 1000, 2500, 1e4, 1e5, 1e6, 1e9, 1e12];
const STYLES = ['push', 'pull', 'push-pull'];

const chromium = await browser();
const served = await explore();
const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } });

/** Moves a slider by a step, there and back, so many times; gives the milliseconds to each picture. */
async function move(place, label) {
  await page.goto('about:blank');
  await page.goto(`${served.url}#/${place}`);
  await settled(page);
  return page.evaluate(async ([label, moves]) => {
    const name = [...document.querySelectorAll('main label')].find((one) => one.textContent.trim() === label);
    const slider = document.getElementById(name.htmlFor);
    const shown = () => [...document.querySelectorAll('main [data-figure], main table[data-mirror]')].map((one) => one.textContent).join();
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    for (let i = 0; i < moves; i += 1) {
      const before = shown();
      const begun = performance.now();
      slider.valueAsNumber += (i % 2 ? -1 : 1) * (Number(slider.step) || 1);
      slider.dispatchEvent(new Event('input', { bubbles: true }));
      do await frame();
      while (document.documentElement.dataset.busy || shown() === before);
      // The frame in which the charts are drawn ends before the next task.
      await new Promise((done) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = done;
        port2.postMessage(0);
      });
      times.push(performance.now() - begun);
      await frame();
      await frame();
    }
    return times;
  }, [label, MOVES]);
}

/** Milliseconds of the exact law, asked as screen 8 asks, in a worker like the page's. */
async function laws() {
  const [worker] = page.workers();
  return page.evaluate(async ([url, sizes, styles, turns]) => {
    const worker = new Worker(url, { type: 'module' });
    const ask = (question) => new Promise((done) => {
      worker.onmessage = ({ data }) => done(data.reply);
      worker.postMessage({ id: 0, question });
    });
    await ask({ verb: 'predict_spread', spread: { nodes: 8 } });
    const times = [];
    for (const nodes of sizes) {
      for (const style of styles) {
        const all = [];
        for (let i = 0; i < turns; i += 1) {
          const begun = performance.now();
          const { answer, error } = await ask({ verb: 'predict_spread', spread: { nodes, style }, usual: true });
          all.push(performance.now() - begun);
          if (!answer) throw new Error(error);
        }
        times.push({ nodes, style, all });
      }
    }
    worker.terminate();
    return times;
  }, [worker.url(), SIZES, STYLES, TURNS]);
}

const range = (times) => `${median(times).toFixed(0)} ms (${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)})`;

console.log(`from moving a slider to the picture, ${MOVES} moves: median (least to most)`);
for (const [words, place, label] of [
  ['64 nodes × 10,000 runs, screen 2, loss', 'tour/2?nodes=64', 'Loss p'],
  ['10⁶ nodes, screen 8, rounds x', 'tour/8', 'Rounds x'],
  ['10¹² nodes, screen 8, loss', 'tour/8?nodes=1000000000000', 'Loss p'],
]) {
  console.log(`${words.padEnd(42)}${range(await move(place, label))}`);
}

console.log(`\nthe exact law with its estimates, in the worker, ${TURNS} times: median (least to most)`);
for (const { nodes, style, all } of await laws()) console.log(`${nodes.toExponential(0).padStart(6)}  ${style.padEnd(10)}${range(all)}`);

await chromium.close();
await served.end();
