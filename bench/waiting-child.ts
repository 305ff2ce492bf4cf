/**
 * A process that drives many runs at once, all of which wait in the middle of their program; then they go on.
 * Prints one JSON object. Arguments: how many runs, the state file.
 */
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { PersistentCodeAgent, tool } from '../src/index.ts'
import { timed } from './measure.ts'
import { instantModel } from './model.ts'

const [count = '1', path = ''] = process.argv.slice(2)
const runs = Number(count)
/** Longer than a guest keeps a thread that it does not use. */
const LATER = 7_000

const gate = Promise.withResolvers<undefined>()
const waiting: number[] = []
const begun = Promise.withResolvers<undefined>()

await using agent = new PersistentCodeAgent({
  storagePath: path,
  model: instantModel(() => 'let n = 1\nfor (let i = 0; i < 2; i++) n += await gate({ i })\nfinalAnswer(n)'),
  tools: [
    tool({
      name: 'gate',
      description: 'Waits',
      effect: 'read',
      inputSchema: { type: 'object' },
      execute: async (_, { runId }) => {
        if (waiting.push(Number(runId)) === runs) begun.resolve(undefined)
        await gate.promise
        return 1
      },
    }),
  ],
})
const before = reading()
const started = await timed(async () => {
  const made = []
  for (let run = 0; run < runs; run++) made.push(await agent.start('Wait', { runId: String(run) }))
  await begun.promise
  return made
})
const busy = reading()
const order = [...waiting]
await setTimeout(LATER)
const later = reading()
const ended = await timed(async () => {
  gate.resolve(undefined)
  return Promise.all(started.value.map(async (run) => run.result()))
})
process.stdout.write(
  JSON.stringify({
    runs,
    before,
    busy,
    later,
    after: reading(),
    startMs: started.ms,
    endMs: ended.ms,
    /** How far a run was from its place in the order of the starts, at most. */
    outOfOrder: Math.max(...order.map((run, place) => Math.abs(run - place))),
    outputs: [
      ...new Set(
        ended.value.map((result) => (result.status === 'completed' ? result.output : result.status)),
      ),
    ],
  }),
)

/** MB resident, and threads of this process, where the kernel tells. */
function reading(): { readonly rss: number; readonly threads: number | null } {
  return { rss: process.memoryUsage.rss() / 2 ** 20, threads: threads() }
}

function threads(): number | null {
  try {
    return readdirSync('/proc/self/task').length
  } catch {
    return null
  }
}
