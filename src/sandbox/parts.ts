/**
 * What guests are made of, read from disk once per process: the engine's module and the prelude; and the digest that
 * names them. Images and journals carry the digest, since a heap is only valid for the very engine that made it.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { CODEC_VERSION } from '../base/codec-version.ts'
import type { EngineParts } from './protocol.ts'

/** All that is needed of a global which neither our libs nor Node's types declare. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> }

/** In the order in which `boot` takes them. */
const PRELUDE = ['intrinsics', 'codec', 'inspect', 'random', 'boot'] as const

interface Sources {
  readonly wasm: Buffer<ArrayBuffer>
  readonly prelude: string
}

let sources: Sources | undefined
let parts: Promise<EngineParts> | undefined
let digest: string | undefined

/** The compiled engine and the prelude's text. */
export function engineParts(): Promise<EngineParts> {
  const { wasm, prelude } = readSources()
  parts ??= WebAssembly.compile(wasm).then((module) => ({ module, prelude }))
  return parts
}

/** The engine as it is on disk. A fresh heap holds much of it: the best dictionary to compress heaps with. */
export function engineBytes(): Uint8Array {
  return readSources().wasm
}

/** sha256 (hex) over the engine's bytes, the prelude and the codec's version. */
export function engineDigest(): string {
  if (digest === undefined) {
    const { wasm, prelude } = readSources()
    const hash = createHash('sha256').update(wasm).update('\0').update(prelude)
    digest = hash.update(`\0codec ${CODEC_VERSION}`).digest('hex')
  }
  return digest
}

function readSources(): Sources {
  sources ??= {
    wasm: readFileSync(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm')),
    prelude: preludeText(),
  }
  return sources
}

/** One script of the files, each of which is an expression: a function that takes what it needs. */
function preludeText(): string {
  const [intrinsics, codec, inspect, random, boot] = PRELUDE.map((name) => {
    const text = readFileSync(new URL(`../../src/sandbox/prelude/${name}.js`, import.meta.url), 'utf8')
    return text.slice(text.indexOf(';(function') + 1).trimEnd()
  })
  return `(function (look) {
const kit = ${intrinsics}()
const coder = ${codec}(kit)
const show = ${inspect}(kit, coder.tagOf, look)
return ${boot}(kit, coder, show, ${random})
})`
}
