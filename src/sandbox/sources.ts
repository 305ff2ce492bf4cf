/**
 * What guests are made of, read from disk once per thread: the engine's wasm and the prelude. Whoever runs guests
 * compiles the wasm itself; within a process V8 keeps compiled code by the bytes, so a second worker finds it done.
 *
 * This file is on the path of a worker's start: it imports nothing that takes time to load.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tellTale } from './tell-tale.ts'
import type { EngineParts } from './protocol.ts'

/** All that is needed of a global which neither our libs nor Node's types declare. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> }

const PRELUDE = ['intrinsics', 'codec', 'inspect', 'random', 'boot'] as const

/** Takes the functions of the files in the order of `PRELUDE`, and `look`. Gives `api`. */
const TOGETHER = `(function (intrinsics, codec, inspect, random, boot, look) {
const kit = intrinsics()
const coder = codec(kit)
return boot(kit, coder, inspect(kit, coder.tagOf, look), random)
})`

export interface Sources {
  /** The engine as it is on disk. */
  readonly wasm: Buffer<ArrayBuffer>
  /** Each an expression: the functions of the prelude's files, and the one that puts them together. */
  readonly prelude: readonly string[]
}

let sources: Sources | undefined
let parts: Promise<EngineParts> | undefined

export function readSources(): Sources {
  sources ??= {
    wasm: readFileSync(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm')),
    prelude: [...PRELUDE.map(functionIn), TOGETHER],
  }
  return sources
}

/** The compiled engine, which tells of memory and stack that ran out, and the prelude's texts. */
export function engineParts(): Promise<EngineParts> {
  const { wasm, prelude } = readSources()
  parts ??= WebAssembly.compile(tellTale(wasm)).then((module) => ({ module, prelude }))
  return parts
}

function functionIn(name: string): string {
  const text = readFileSync(new URL(`../../src/sandbox/prelude/${name}.js`, import.meta.url), 'utf8')
  return text.slice(text.indexOf(';(function') + 1).trimEnd()
}
