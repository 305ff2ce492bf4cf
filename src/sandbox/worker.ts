/**
 * The thread in which guests live: at most one at a time, one request at a time. It imports nothing but the engine,
 * since its start is most of what resuming costs.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Guest } from './engine.ts'
import type { Reply, Request, WorkerStart } from './protocol.ts'

const { parts } = workerData as WorkerStart
let guest: Guest | undefined

parentPort?.on('message', (request: Request) => void answer(request))

async function answer(request: Request): Promise<void> {
  const reply = await carryOut(request).catch((error: unknown): Reply => {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  })
  parentPort?.postMessage(reply, reply.kind === 'image' ? [reply.image.buffer] : [])
}

async function carryOut(request: Request): Promise<Reply> {
  switch (request.op) {
    case 'create':
      guest?.dispose()
      guest = undefined
      guest = await Guest.create(parts, request.limits, request.seed, request.clock)
      guest.grant(request.tools)
      return { kind: 'done' }
    case 'restore':
      guest?.dispose()
      guest = undefined
      guest = await Guest.restore(parts, request.limits, request.image)
      guest.grant(request.tools)
      return { kind: 'done' }
    case 'run':
      return { kind: 'halt', halt: there().run(request.step, request.program, request.clock) }
    case 'settle':
      return {
        kind: 'halt',
        halt: there().settle(request.call, request.ok, request.payload, request.clock, request.step),
      }
    case 'image':
      return { kind: 'image', image: there().image() }
    default:
      return request satisfies never
  }
}

function there(): Guest {
  if (guest === undefined) throw new Error('No guest is open.')
  return guest
}
