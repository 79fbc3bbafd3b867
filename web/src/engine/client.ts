// The page's side of the worker: a question is a verb with its arguments, an answer a promise.

type Reply = { answer: unknown } | { error: string };

/** A worker with an instance of the core of its own. */
export class Engine {
  #worker: Worker | undefined;
  #next = 0;
  #waiting = new Map<number, (reply: Reply) => void>();

  /** Asks; rejects with an `Error` in words for the reader. */
  ask<T>(verb: string, args: object): Promise<T> {
    const worker = (this.#worker ??= this.#start());
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (reply) => ('error' in reply ? reject(new Error(reply.error)) : resolve(reply.answer as T)));
      worker.postMessage({ id, question: { verb, ...args } });
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<{ id: number; reply: Reply }>) => {
      const settle = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      settle?.(data.reply);
    };
    const fail = (message: string) => {
      for (const settle of this.#waiting.values()) settle({ error: message });
      this.#waiting.clear();
    };
    worker.onerror = (event) => fail(`the core stopped: ${event.message || 'it could not be loaded'}`);
    return worker;
  }
}

/** The engine that screens share. What runs for long has one of its own. */
export const engine = new Engine();
