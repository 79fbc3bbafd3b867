// Typesets formulas, with KaTeX loaded when the first one is shown.

import type { Attachment } from 'svelte/attachments';

const katex = () => Promise.all([import('katex'), import('katex/dist/katex.min.css')]);

export function formula(tex: string, displayMode: boolean): Attachment<HTMLElement> {
  return (node) => {
    let gone = false;
    node.textContent = tex;
    void katex().then(([{ default: { render } }]) => {
      if (!gone) render(tex, node, { displayMode, throwOnError: false, output: 'htmlAndMathml' });
    });
    return () => (gone = true);
  };
}
