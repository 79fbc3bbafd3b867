// The page's side of the worker: a question is a verb with its arguments, an answer a promise.

type Reply = { answer: unknown; bytes?: ArrayBuffer } | { error: string };

/** An answer with the bytes that go with it. */
export interface WithBytes<T> {
  answer: T;
  bytes: ArrayBuffer;
}

let unanswered = 0;

/** Says on the document how many questions wait for their answer: for whoever waits for them all. */
function count(change: number): void {
  unanswered += change;
  if (unanswered) document.documentElement.dataset.busy = String(unanswered);
  else delete document.documentElement.dataset.busy;
}

/** A worker with an instance of the core of its own. */
export class Engine {
  #worker: Worker | undefined;
  #next = 0;
  #waiting = new Map<number, (reply: Reply) => void>();

  /** Asks; rejects with an `Error` in words for the reader. */
  async ask<T>(verb: string, args: object): Promise<T> {
    return (await this.exchange<T>(verb, args)).answer;
  }

  /** Asks with bytes beside the question, which this page then has no more; returns those beside the answer. */
  exchange<T>(verb: string, args: object, attached?: ArrayBuffer): Promise<WithBytes<T>> {
    const worker = (this.#worker ??= this.#start());
    const id = this.#next++;
    count(1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (reply) =>
        'error' in reply ? reject(new Error(reply.error)) : resolve({ answer: reply.answer as T, bytes: reply.bytes ?? new ArrayBuffer(0) }),
      );
      worker.postMessage({ id, question: { verb, ...args }, attached }, attached ? [attached] : []);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<{ id: number; reply: Reply }>) => {
      const settle = this.#waiting.get(data.id);
      if (!this.#waiting.delete(data.id)) return;
      count(-1);
      settle?.(data.reply);
    };
    const fail = (message: string) => {
      const left = [...this.#waiting.values()];
      this.#waiting.clear();
      count(-left.length);
      for (const settle of left) settle({ error: message });
    };
    worker.onerror = (event) => fail(`the core stopped: ${event.message || 'it could not be loaded'}`);
    return worker;
  }
}

/** The engine that screens share. What runs for long has one of its own. */
export const engine = new Engine();

/** A second one that they share: for what is nice to have beside the answer that the reader waits for. */
export const side = new Engine();
