/**
 * What guests are made of, read from disk once per thread: the engine's wasm and the base. Whoever runs guests compiles
 * the wasm itself; within a process V8 keeps compiled code by the bytes, so a second worker finds it done.
 *
 * This file is on the path of a worker's start: it imports nothing that takes time to load.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { openBase } from './base.ts'
import { tellTale } from './tell-tale.ts'
import type { EngineParts } from './protocol.ts'

/** All that is needed of a global which neither our libs nor Node's types declare. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> }

export interface Sources {
  /** The engine as it is on disk. */
  readonly wasm: Buffer<ArrayBuffer>
  /** The base as it is on disk. */
  readonly base: Buffer<ArrayBuffer>
}

let sources: Sources | undefined
let parts: Promise<EngineParts> | undefined

/** Where the base lies: beside the source, which is in the package too. */
export const BASE_FILE: URL = new URL('../../src/sandbox/base.heap', import.meta.url)

export function readWasm(): Buffer<ArrayBuffer> {
  return readFileSync(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm'))
}

export function readSources(): Sources {
  sources ??= { wasm: readWasm(), base: readFileSync(BASE_FILE) }
  return sources
}

/** The compiled engine, which tells of memory and stack that ran out, and the heap with which all begins. */
export function engineParts(): Promise<EngineParts> {
  parts ??= compiled(readSources())
  return parts
}

async function compiled({ wasm, base }: Sources): Promise<EngineParts> {
  const module = WebAssembly.compile(tellTale(wasm))
  return { base: openBase(base, wasm), module: await module }
}
