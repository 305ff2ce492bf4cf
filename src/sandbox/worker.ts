/**
 * The thread in which guests live: at most one at a time, one request at a time. It imports nothing but the engine,
 * since its start is most of what resuming costs; and it warms itself where it is kept waiting.
 */
import { parentPort } from 'node:worker_threads'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Guest } from './engine.ts'
import type { Reply, Request } from './protocol.ts'
import { engineParts } from './sources.ts'

/** How long nobody may ask before the engine is warmed, in ms. */
const PATIENCE = 100

// The engine is compiled beside the loading of what runs it.
const parts = engineParts()
const loading = import('./engine.ts')
let guest: Guest | undefined
let asked = false

parentPort?.on('message', (request: Request) => {
  asked = true
  void answer(request)
})
// What cannot be made is told with the first request that needs it.
warmUp().catch(() => {})

/**
 * For a worker that is kept: a process that resumes asks before this is begun, and has other use for the processor. In
 * slices of a few ms, so that a request which comes meanwhile hardly waits; it ends the warming.
 */
async function warmUp(): Promise<void> {
  await setTimeout(PATIENCE)
  if (asked) return
  const { warm } = await loading
  const slices = warm(await parts)
  while (!(await slices.next()).done) {
    await setImmediate()
    if (asked) return
  }
}

async function answer(request: Request): Promise<void> {
  const reply = await carryOut(request).catch((error: unknown): Reply | undefined => {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  })
  if (reply !== undefined) parentPort?.postMessage(reply, reply.kind === 'image' ? [reply.delta.buffer] : [])
}

async function carryOut(request: Request): Promise<Reply | undefined> {
  switch (request.op) {
    case 'create':
      guest?.dispose()
      guest = undefined
      guest = await (await loading).Guest.create(await parts, request.limits, request.seed, request.clock)
      guest.grant(request.tools)
      return { kind: 'done' }
    case 'restore':
      guest?.dispose()
      guest = undefined
      guest = await (await loading).Guest.restore(await parts, request.limits, request.delta)
      if (request.tools !== undefined) guest.grant(request.tools)
      return { kind: 'done' }
    case 'run':
      return halted(there().run(request.step, request.program, request))
    case 'settle':
      return halted(there().settle(request.call, request.as, request.payload, request))
    case 'grant':
      there().grant(request.tools)
      return { kind: 'done' }
    case 'interrupt':
      return halted(there().interrupt(request))
    case 'image':
      return { kind: 'image', delta: there().image() }
    case 'held':
      return { kind: 'held', variables: there().held() }
    case 'drop':
      guest?.dispose()
      guest = undefined
      return undefined
    default:
      return request satisfies never
  }
}

function halted(halt: string): Reply {
  const heap = guest?.swept
  return { kind: 'halt', halt, ...(heap === undefined ? {} : { heap }) }
}

function there(): Guest {
  if (guest === undefined) throw new Error('No guest is open.')
  return guest
}
