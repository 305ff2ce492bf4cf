/** A file with many runs that wait for a person: to list them, to read the inbox, and to go on with one. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PersistentCodeAgent, sqliteStore } from '../src/index.ts'
import { openQuestions } from '../src/run/result.ts'
import { listRuns } from '../src/run/inspect.ts'
import { spreadOf, timed } from './measure.ts'
import { instantModel } from './model.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const CODE = 'let n = 40\nn += await ask("How many?", { type: "number" })\nfinalAnswer(n)'

export async function manyTable(settings: Settings): Promise<readonly Table[]> {
  const many = settings.quick ? 20 : 1_000
  const dir = mkdtempSync(join(settings.dir, 'many-'))
  const storagePath = join(dir, 'state.db')
  const options = { model: instantModel(() => CODE), storagePath }
  try {
    await using agent = new PersistentCodeAgent(options)
    await agent.run('Wait for a person')
    // A fork of a run that waits is another run that waits.
    for (let made = 1; made < many; made++) await (await agent.fork()).close()
    const samples = { list: [] as number[], inbox: [] as number[], resume: [] as number[] }
    for (let round = 0; round < Math.max(3, settings.rounds); round++) {
      await using store = sqliteStore(storagePath)
      const listed = await timed(async () => listRuns(store))
      const asked = await timed(async () => openQuestions(store))
      const question = asked.value[round]
      const row = (await store.questions({ id: question?.id ?? '' }))[0]
      if (listed.value.length !== many || row === undefined)
        throw new Error(`Only ${listed.value.length} runs wait`)
      samples.list.push(listed.ms)
      samples.inbox.push(asked.ms)
      const { ms, value } = await timed(async () => {
        await using bound = await PersistentCodeAgent.resumeExecution(storagePath, {
          ...options,
          runId: row.runId,
        })
        await bound.answer(row.id, { type: 'respond', value: 2 })
        return await bound.run(bound.task, { reset: false })
      })
      if (value.status !== 'completed' || value.output !== 42) throw new Error(JSON.stringify(value))
      samples.resume.push(ms)
    }
    const rows = Object.entries(samples).map(([what, values]) => {
      const { median, min } = spreadOf(values)
      return { what, ms: median, min }
    })
    const size = statSync(storagePath).size / 1024 / many
    return [
      {
        id: 'many',
        title: `ms with ${many} paused runs in one file (${size.toFixed(1)} KB each)`,
        columns: [
          { key: 'what', label: 'what' },
          { key: 'ms', label: 'ms', digits: 1 },
          { key: 'min', label: 'min', digits: 1 },
        ],
        rows,
        notes: ['resume: bind, answer and go on to the end, in a process that runs already.'],
        quoted: [],
      },
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
