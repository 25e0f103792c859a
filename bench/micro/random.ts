// `POOL_WORDS` in src/shared/random.ts: the number of mask keys generated at once.

import { type Choice, repeated } from "./compare.ts";

const REPEAT = 4096;

export const drawing: Choice = {
  constant: "POOL_WORDS, src/shared/random.ts",
  unit: "a mask key",
  size: "keys per call",
  sizes: [1, 16, 64, 256, 1024, 4096, 16384],
  implementations: {
    "getRandomValues": (size) => {
      const pool = new Int32Array(size);
      let used = size;
      let last = 0;
      return repeated(REPEAT, () => {
        if (used === size) {
          crypto.getRandomValues(pool);
          used = 0;
        }
        last = pool[used++]!;
        void last;
      });
    },
  },
  units: REPEAT,
};
