// SPDX-License-Identifier: Apache-2.0
/* prepack.mjs - no package without the module: `make wasm` puts it beside a copy of these files */
import { readFile } from 'node:fs/promises';

try {
  const bytes = await readFile(new URL('./aurora.wasm', import.meta.url));
  await WebAssembly.compile(bytes);
} catch (error) {
  console.error(`aurora.wasm: ${error.message}\nRun \`make wasm\` and pack build/web instead.`);
  process.exit(1);
}
