import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Builds the UI into dist/renderer: relative URLs, so that the daemon and Electron's app:// serve the same files. */
export default defineConfig({
  root: 'renderer',
  base: './',
  plugins: [react()],
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    target: 'es2023',
    // The CSP has no data: fonts and no inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // It comes from this machine's disk: one file, 200 kB zipped, read once.
    chunkSizeWarningLimit: 1000,
  },
});
