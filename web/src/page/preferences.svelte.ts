// What the reader prefers, kept for the next visit: the theme, and whether things move by themselves.

type Theme = 'light' | 'dark' | 'system';

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const still = matchMedia('(prefers-reduced-motion: reduce)');

class Preferences {
  theme = $state<Theme>((kept('theme') as Theme | null) ?? 'system');
  #system_dark = $state(dark.matches);
  /** Whether pictures move by themselves. Off: they are stepped through. */
  motion = $state(kept('motion') ? kept('motion') === 'on' : !still.matches);

  constructor() {
    dark.addEventListener('change', () => (this.#system_dark = dark.matches));
    still.addEventListener('change', () => {
      if (!kept('motion')) this.motion = !still.matches;
    });
  }

  /** The theme that is shown. */
  get shown(): 'light' | 'dark' {
    return this.theme === 'system' ? (this.#system_dark ? 'dark' : 'light') : this.theme;
  }

  toggle_theme(): void {
    this.theme = this.shown === 'dark' ? 'light' : 'dark';
    keep('theme', this.theme);
  }

  toggle_motion(): void {
    this.motion = !this.motion;
    keep('motion', this.motion ? 'on' : 'off');
  }
}

export const preferences = new Preferences();
