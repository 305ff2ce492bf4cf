/**
 * Randomness as a stream kept in the heap, seeded by the run: `Math.random`, and what `crypto.js` draws. The generator is
 * sfc32 (PractRand's small fast counter), 32 bits a draw. Not for keys.
 */
;(function randomness(kit) {
  'use strict'
  const { imul, charCode } = kit
  let a = 0
  let b = 0
  let c = 0
  let counter = 1

  function next() {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Three words from the text (FNV-1a with different offsets), then the usual warm-up. */
  function seed(text) {
    const hash = (start) => {
      let h = start | 0
      for (let i = 0; i < text.length; i++) h = imul(h ^ charCode(text, i), 16777619)
      return imul(h ^ (h >>> 15), 0x2c1b3c6d) | 0
    }
    a = hash(0x811c9dc5)
    b = hash(0x9e3779b9)
    c = hash(0x85ebca6b)
    counter = 1
    for (let i = 0; i < 15; i++) next()
  }

  return { seed, next, random: () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53 }
})
