/** The child of `npm start`: drives the run, and tells its parent every fact that the journal takes. */
import { createAgent, TASK } from './agent.ts'
import type { RunEvent } from '../../src/index.ts'

/** What the child tells. `ready`: how long the run took to go on, from a file to its next call. */
export type Told =
  | RunEvent
  | { readonly type: 'run'; readonly runId: string }
  | { readonly type: 'ready'; readonly ms: number }

/** Starts the run, or goes on with it; ends when the run rests. */
export async function driveForParent(how: 'start' | 'resume', slow: string | undefined): Promise<void> {
  const began = performance.now()
  await using agent = createAgent({ slow })
  const asked = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => asked.abort(new Error('Interrupted')))
  if (how === 'resume') await agent.resume()
  const options = { reset: how === 'start', abortSignal: asked.signal }
  let ready = how === 'start'
  let named = false
  for await (const event of agent.stream(how === 'start' ? TASK : agent.task, options)) {
    if (!named) await tell({ type: 'run', runId: agent.runId ?? '' })
    named = true
    if (!ready && event.type === 'entry' && /^call-(started|returned)$/.test(event.entry.kind)) {
      ready = true
      await tell({ type: 'ready', ms: performance.now() - began })
    }
    await tell(event)
  }
  process.disconnect()
}

function tell(told: Told): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined)
      throw new Error('This process has no parent to tell. Start it with npm start.')
    process.send(told, undefined, {}, (error) => (error === null ? resolve() : reject(error)))
  })
}
