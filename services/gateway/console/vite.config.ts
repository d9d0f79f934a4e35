/// <reference types="vitest/config" />
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Writes `.gz` beside every file worth it, so that the gateway compresses nothing. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    async closeBundle() {
      const folder = join(import.meta.dirname, 'dist/assets');
      for (const name of await readdir(folder)) {
        if (/\.(js|css|svg)$/.test(name)) {
          const packed = await promisify(gzip)(await readFile(join(folder, name)), { level: 9 });
          await writeFile(join(folder, `${name}.gz`), packed);
        }
      }
    },
  };
}

const SHARED_BY_MOST = 8;

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { alias: { '@': join(import.meta.dirname, 'src') } },
  build: {
    chunkSizeWarningLimit: 1200,
    sourcemap: false,
    assetsInlineLimit: 0,
    // What most pages share comes in one file: a hundred small ones each cost a way to the server and back.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'common', minShareCount: SHARED_BY_MOST }] } } },
  },
  server: { proxy: { '^/(api|v2|console/session)': 'http://127.0.0.1:18000' } },
  test: { environment: 'jsdom', globals: true, setupFiles: ['src/test/setup.ts'], testTimeout: 30_000 },
});
