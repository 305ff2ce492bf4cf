/** Where sandboxes and their heaps come from: threads and compressed links, unless a simulation gives others. */
import { engineDigest } from './parts.ts'
import { createSandbox } from './sandbox-thread.ts'
import type { Heap, Link, Sandbox, SandboxLimits } from './sandbox.ts'
import { openHeap } from './snapshot.ts'

export interface Guests {
  create(limits: SandboxLimits): Sandbox
  /** A stored heap; undefined if it is of another engine. @throws {StateCorruptError} if it is damaged, or of a newer format. */
  open(links: readonly Link[]): Promise<Heap | undefined>
}

export const threadGuests: Guests = {
  create: createSandbox,
  open: async (links) => openHeap(links, engineDigest()),
}
