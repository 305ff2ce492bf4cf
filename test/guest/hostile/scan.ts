/** Looks for a secret in all that a run has stored: in plain, in what is compressed, in heaps, and under other spellings. */
import { zstdDecompressSync } from 'node:zlib'
import { openDelta } from '../../../src/sandbox/delta.ts'
import { PAGE } from '../../../src/sandbox/base.ts'
import { engineParts } from '../../../src/sandbox/sources.ts'
import type { Store, Write } from '../../../src/journal/store.ts'

/** A store that keeps every byte that it is given, also those that are replaced later. */
export function keeping(store: Store): { readonly store: Store; readonly kept: Uint8Array[] } {
  const kept: Uint8Array[] = []
  const proxy = new Proxy(store, {
    get(target, name, receiver) {
      const found: unknown = Reflect.get(target, name, receiver)
      if (name !== 'append') return found
      return (...args: Parameters<Store['append']>) => {
        kept.push(...bytesOf(args[1]))
        return target.append(...args)
      }
    },
  })
  return { store: proxy, kept }
}

function bytesOf({ entries, blobs, checkpoint }: Write): readonly Uint8Array[] {
  const parts = checkpoint === undefined || checkpoint === 'none' ? undefined : checkpoint
  return [
    ...entries.map((entry) => entry.payload),
    ...blobs.map((blob) => blob.payload),
    ...(parts === undefined ? [] : [parts.state]),
    ...(parts?.links ?? []).map((link) => link.payload),
  ]
}

/** In how many of `kept` the secret is found, in any spelling. */
export async function findings(kept: readonly Uint8Array[], secret: string): Promise<number> {
  const spellings = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('hex'),
    // Base64 at each of the three places where it may begin; the ends, which depend on what is around, left out.
    ...[0, 1, 2].map((at) => Buffer.from(secret).subarray(at).toString('base64').slice(0, -4)),
  ].map((text) => Buffer.from(text))
  const wide = Buffer.from(secret, 'utf16le')
  let found = 0
  for (const bytes of kept) {
    const views = [Buffer.from(bytes), ...(await inflated(bytes))]
    if (views.some((view) => [...spellings, wide].some((each) => view.includes(each)))) found += 1
  }
  return found
}

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** What is compressed in it; a delta of a heap also with the pages of the base under it. */
async function inflated(bytes: Uint8Array): Promise<readonly Buffer[]> {
  const whole = Buffer.from(bytes)
  const views: Buffer[] = []
  for (let at = whole.indexOf(ZSTD); at >= 0; at = whole.indexOf(ZSTD, at + 1)) {
    const plain = attempt(() => zstdDecompressSync(whole.subarray(at), { maxOutputLength: 2 ** 27 }))
    if (plain === undefined) continue
    views.push(plain)
    const delta = attempt(() => openDelta(plain))
    if (delta === undefined) continue
    const { memory } = (await engineParts()).base
    const pages = Buffer.from(delta.pages)
    for (const [index, number] of delta.numbers.entries())
      for (let i = 0; i < PAGE; i++)
        pages[index * PAGE + i] = (pages[index * PAGE + i] ?? 0) ^ (memory[number * PAGE + i] ?? 0)
    views.push(pages)
  }
  return views
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
