/**
 * From a person's word to the tool: in the process that rests, and in one that is started for it. Beside it: what it
 * costs a call that its input is validated, encoded and digested, which is what an approval is bound to.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { encode } from '../src/base/codec.ts'
import { digestOf } from '../src/base/id.ts'
import { PersistentCodeAgent, tool } from '../src/index.ts'
import { toolsOf } from '../src/tool/tools.ts'
import { approvalAgent } from './approvals-child.ts'
import { instant, medianOf, read, spreadOf } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const child = join(import.meta.dirname, 'approvals-child.ts')

export async function approvalsTable(settings: Settings): Promise<readonly Table[]> {
  const dir = mkdtempSync(join(settings.dir, 'approvals-'))
  try {
    return [await roundTrips(settings, dir), await perCall(settings)]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** ms. */
interface Trip {
  /** Until the answer is durable. */
  readonly answered: number
  /** Until the tool is called. */
  readonly called: number
  /** Until the result is there. */
  readonly done: number
}

async function roundTrips({ quick, rounds }: Settings, dir: string): Promise<Table> {
  const trips: Record<'one' | 'two', Trip[]> = { one: [], two: [] }
  const bare: number[] = []
  for (let round = 0; round < (quick ? 1 : rounds * 3); round++) {
    trips.one.push(await inOne(join(dir, `one-${round}.db`)))
    bare.push(await nodeAlone())
    trips.two.push(await inTwo(join(dir, `two-${round}.db`)))
  }
  const row = (name: string, all: readonly Trip[]): Table['rows'][number] => ({
    name,
    answered: medianOf(all.map((trip) => trip.answered)),
    called: medianOf(all.map((trip) => trip.called)),
    calledMin: spreadOf(all.map((trip) => trip.called)).min,
    done: medianOf(all.map((trip) => trip.done)),
  })
  return {
    id: 'approvals',
    title: 'ms from the answer of a person: an agent on SQLite, at rest on a call that needs approval',
    columns: [
      { key: 'name', label: 'answered and driven' },
      { key: 'answered', label: 'durable', digits: 1 },
      { key: 'called', label: 'tool called', digits: 1 },
      { key: 'calledMin', label: 'min', digits: 1 },
      { key: 'done', label: 'completed', digits: 1 },
    ],
    rows: [
      row('in the process that rests', trips.one),
      row('here, then in a new process', trips.two),
      {
        name: 'a new process that does nothing',
        answered: null,
        called: medianOf(bare),
        calledMin: spreadOf(bare).min,
        done: null,
      },
    ],
    notes: ['Completed: the code goes on after the call, and one more turn of the model ends the task.'],
    quoted: [],
  }
}

async function inOne(path: string): Promise<Trip> {
  let called = 0
  await using agent = approvalAgent(path, () => void (called = instant()))
  const result = await agent.run('Pay')
  const question = questionOf(result)
  const began = instant()
  await agent.answer(question, { type: 'approve' })
  const answered = instant()
  await agent.run(agent.task, { reset: false })
  return { answered: answered - began, called: called - began, done: instant() - began }
}

async function inTwo(path: string): Promise<Trip> {
  let question = ''
  let runId = ''
  {
    await using agent = approvalAgent(path, () => undefined)
    question = questionOf(await agent.run('Pay'))
    runId = agent.runId ?? ''
  }
  await using person = await PersistentCodeAgent.resumeExecution(path, { runId })
  const began = instant()
  await person.answer(question, { type: 'approve' })
  const answered = instant()
  const lines = await output(['--disable-warning=ExperimentalWarning', child, path, runId])
  const { called, done } = JSON.parse(lines) as { called: number; done: number }
  return { answered: answered - began, called: called - began, done: done - began }
}

function questionOf(result: Awaited<ReturnType<PersistentCodeAgent['run']>>): string {
  const id = result.status === 'paused' ? result.questions[0]?.id : undefined
  if (id === undefined) throw new Error(`The run does not wait: ${JSON.stringify(result)}`)
  return id
}

async function nodeAlone(): Promise<number> {
  const began = instant()
  await output(['--eval', ''])
  return instant() - began
}

async function output(args: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  process_.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  process_.once('close', (code) =>
    code === 0 ? resolve(text) : reject(new Error(`The process ended with ${code}`)),
  )
  return promise
}

/** What a call's input goes through at the door. */
async function perCall({ quick, rounds }: Settings): Promise<Table> {
  const inputs = [
    { name: 'small: 3 fields', value: { order: 'A-17', amount: 40, lines: [1, 2, 3] } },
    { name: '10 kB: 200 lines', value: bulky(200) },
    { name: '1 MB: 20 000 lines', value: bulky(20_000) },
  ]
  const line = { order: z.string(), amount: z.number(), lines: z.array(z.unknown()).optional() }
  const zod = toolsOf([
    tool({ name: 'pay', description: 'Pays', inputSchema: z.object(line), execute: async () => 0 }),
  ]).get('pay')
  const json = toolsOf([
    tool({
      name: 'pay',
      description: 'Pays',
      inputSchema: {
        type: 'object',
        properties: { order: { type: 'string' }, amount: { type: 'number' }, lines: { type: 'array' } },
        required: ['order', 'amount'],
      },
      execute: async () => 0,
    }),
  ]).get('pay')
  if (zod === undefined || json === undefined) throw new Error('There is no tool')
  const rows = []
  for (const { name, value } of inputs) {
    const text = encode(value)
    const times = Math.max(3, Math.round((quick ? 2e4 : 2e6) / text.length))
    const steps: readonly (readonly [string, () => unknown])[] = [
      ['zod', () => zod.checkInput(value)],
      ['ajv', () => json.checkInput(value)],
      ['encode', () => encode(value)],
      ['digest', () => digestOf(text)],
    ]
    const us: Record<string, number[]> = {}
    for (let round = 0; round < (quick ? 1 : rounds); round++)
      for (const [step, work] of steps) (us[step] ??= []).push(await each(times, work))
    const of = (step: string): number => spreadOf(us[step] ?? []).min
    const [encoded, digested] = [of('encode'), of('digest')]
    rows.push({
      name,
      bytes: text.length,
      zod: of('zod'),
      ajv: of('ajv'),
      encode: encoded,
      digest: digested,
      sum: Math.max(of('zod'), of('ajv')) + encoded + digested,
    })
  }
  return {
    id: 'door',
    title: 'us per call at the door: what an approval is bound to',
    columns: [
      { key: 'name', label: 'input' },
      { key: 'bytes', label: 'bytes', digits: 0 },
      { key: 'zod', label: 'Zod', digits: 1 },
      { key: 'ajv', label: 'JSON Schema', digits: 1 },
      { key: 'encode', label: 'encode', digits: 1 },
      { key: 'digest', label: 'digest', digits: 1 },
      { key: 'sum', label: 'sum', digits: 1 },
    ],
    rows,
    notes: ['Least of the rounds. sum: the dearer schema, encoded and digested once.'],
    quoted: [],
  }
}

function bulky(count: number): object {
  const lines = Array.from({ length: count }, (_, at) => ({
    sku: `part ${at}`,
    count: at % 7,
    price: at * 1.5,
  }))
  return { order: 'A-17', amount: 40, lines }
}

/** us each. */
async function each(times: number, work: () => unknown): Promise<number> {
  await work()
  const began = read()
  for (let n = 0; n < times; n++) await work()
  return ((read().wall - began.wall) * 1_000) / times
}
