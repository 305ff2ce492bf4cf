/** A store that counts what its driver asks of it. */
import type { Store, Write } from '../src/journal/store.ts'

/** One commit of a driver. */
export interface Commit {
  /** ms from the call to the acknowledgement. */
  readonly ms: number
  readonly entries: number
  /** Bytes of entries, blobs and checkpoint. */
  readonly bytes: number
  readonly checkpoint: boolean
}

export interface Watched {
  readonly store: Store
  readonly commits: Commit[]
  /** Other calls by name. */
  readonly asked: Map<string, number>
}

export function watched(store: Store): Watched {
  const commits: Commit[] = []
  const asked = new Map<string, number>()
  const counted = new Proxy(store, {
    get(target, name, receiver) {
      const found: unknown = Reflect.get(target, name, receiver)
      if (typeof found === 'function' && typeof name === 'string') asked.set(name, (asked.get(name) ?? 0) + 1)
      if (name !== 'append') return found
      return async (...args: Parameters<Store['append']>): Promise<void> => {
        const began = performance.now()
        await target.append(...args)
        commits.push({ ms: performance.now() - began, ...sizeOf(args[1]) })
      }
    },
  })
  return { store: counted, commits, asked }
}

function sizeOf(write: Write): Omit<Commit, 'ms'> {
  const { entries, blobs, checkpoint } = write
  const parts = checkpoint === undefined || checkpoint === 'none' ? undefined : checkpoint
  const lengths = [
    ...entries.map((entry) => entry.payload.length + entry.chain.length),
    ...blobs.map((blob) => blob.payload.length),
    parts?.state.length ?? 0,
    ...(parts?.links ?? []).map((link) => link.payload.length),
  ]
  return {
    entries: entries.length,
    bytes: lengths.reduce((sum, length) => sum + length, 0),
    checkpoint: parts !== undefined,
  }
}
