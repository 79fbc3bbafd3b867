// The keys of the page: ← and → turn the screens, space, `.` and R drive what plays, ? explains.

import { keyed } from './player.svelte';

export interface Turns {
  back(): void;
  on(): void;
  help(): void;
}

/** Whether a key belongs to the element that has it: text is typed there, or a control moved. */
function taken(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement | null;
  if (!at?.closest) return false;
  if (at.closest('dialog, [data-keys]')) return true;
  const field = at.closest('input, select, textarea, [contenteditable], [role=slider]');
  if (field) return true;
  return event.key === ' ' && at.closest('button, a, summary, [role=button], [role=radio], [role=switch]') !== null;
}

export function listen(turns: Turns): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || taken(event)) return;
    const act = {
      ArrowLeft: turns.back,
      ArrowRight: turns.on,
      '?': turns.help,
      ' ': () => keyed.player?.toggle(),
      '.': () => keyed.player?.step(),
      r: () => keyed.player?.rewind(),
      R: () => keyed.player?.rewind(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  addEventListener('keydown', pressed);
  return () => removeEventListener('keydown', pressed);
}
