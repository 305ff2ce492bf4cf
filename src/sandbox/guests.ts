/** Where sandboxes come from, and how their images are put by: on threads and compressed, unless a simulation gives others. */
import { engineDigest } from './parts.ts'
import { createSandbox } from './sandbox-thread.ts'
import type { Image, Sandbox, SandboxLimits } from './sandbox.ts'
import { pack, unpack, type Unpacked } from './snapshot.ts'

export interface Guests {
  create(limits: SandboxLimits): Sandbox
  pack(image: Image): Promise<Uint8Array>
  /** @throws {StateCorruptError} if the bytes are damaged, no snapshot, or of a newer format. */
  unpack(bytes: Uint8Array): Promise<Unpacked>
}

export const threadGuests: Guests = {
  create: createSandbox,
  pack,
  unpack: async (bytes) => unpack(bytes, engineDigest()),
}
