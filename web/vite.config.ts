import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Of KaTeX's fonts the families that the page's formulas use, in the one format that all browsers take. */
const katexFonts: Plugin = {
  name: 'katex-fonts',
  enforce: 'pre',
  transform(code, id) {
    if (!id.endsWith('katex.min.css')) return;
    return code.replace(/@font-face\{[^}]*\}/g, (face) => {
      if (!/KaTeX_(Main|Math|Size\d)/.test(face) || /BoldItalic|KaTeX_Main-Italic/.test(face)) return '';
      return face.replace(/,\s*url\([^)]*\.(woff|ttf)\)\s*format\("[^"]*"\)/g, '');
    });
  },
};

// The page is served from any folder of any host, and from inside the binary; nothing is inlined,
// because the content security policy allows the page's own files only.
export default defineConfig({
  base: './',
  plugins: [katexFonts, svelte()],
  worker: { format: 'es' },
  build: {
    outDir: '../crates/rumormill-agent/page',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  test: { include: ['src/**/*.test.ts'] },
});
