/** Definitions as data: nothing is lost, nothing that they name is run, and older formats are read. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  CodeAgent,
  memoryStore,
  PersistentCodeAgent,
  tool,
  UsageError,
  type SavedAgent,
} from '../../src/index.ts'
import { OPTIONS } from '../../src/agent/options.ts'
import { SAVED_AS } from '../../src/agent/saved.ts'
import { scriptedModel } from '../../src/testing.ts'
import { echo, must, output } from '../e2e/fixtures/bench.ts'

const model = scriptedModel(['finalAnswer({ total: await echo({ n: 4 }) })'])
const small = scriptedModel(['finalAnswer("found")'], { modelId: 'small' })
const pay = tool({ name: 'pay', description: 'Pays', execute: () => 'paid' })

const heard: string[] = []
function isPositive(answer: unknown): boolean {
  heard.push('check')
  return (answer as { total: number }).total > 0
}
function note(): void {
  heard.push('step')
}
function noteAll(): void {
  heard.push('all')
}
function mayPay(): boolean {
  return true
}
function priceOf(): number {
  return 0.5
}
const functions = { isPositive, note, noteAll, mayPay, priceOf }

const OUTPUT = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] } as const

function whole(): PersistentCodeAgent {
  const researcher = new CodeAgent({
    name: 'researcher',
    description: 'Looks things up',
    model: small,
    instructions: 'Be brief.',
    maxSteps: 3,
  })
  return new PersistentCodeAgent({
    store: memoryStore(),
    name: 'clerk',
    description: 'Counts',
    model,
    tools: [echo, { pay }],
    toolEffects: { echo: 'read' },
    toolApproval: { echo: 'approved', pay: mayPay },
    instructions: 'Count twice.',
    promptTemplates: { finalAnswer: 'Say it, for {{task}}.' },
    managedAgents: [researcher],
    maxSteps: 7,
    maxCost: 2,
    timeout: '1h',
    onLimit: 'pause',
    onUnknownOutcome: 'tell',
    limits: { memory: '32MB', stepTimeout: 5_000 },
    pauseGrace: '1s',
    planningInterval: 4,
    typeCheck: false,
    outputSchema: OUTPUT,
    finalAnswerChecks: [isPositive],
    stepCallbacks: { action: [note], all: noteAll },
    price: priceOf,
    context: { secret: 'never saved' },
  })
}

/** Through text, as a file would have it. */
function text(saved: unknown): unknown {
  return JSON.parse(JSON.stringify(saved))
}

test('there and back, nothing is lost', () => {
  const saved = text(whole()) as SavedAgent
  const back = PersistentCodeAgent.fromJSON(saved, {
    models: { 'scripted/model': model, 'scripted/small': small },
    tools: [echo, { pay }, tool({ name: 'unused', description: 'x', execute: () => 1 })],
    functions,
    context: { secret: 'given again' },
    store: memoryStore(),
  })
  expect(text(back)).toEqual(saved)
  expect(JSON.stringify(saved)).not.toContain('secret')
  const [one, other] = [whole().definition(), back.definition()]
  const parts = ({ tools, managed, callbacks, checks, price, ...rest }: typeof one): unknown => ({
    tools: [...tools.values()].map(({ name, effect, digest, approval }) => [
      name,
      effect,
      digest,
      typeof approval,
    ]),
    managed: [...managed.values()].map(({ name, options, instructions }) => ({
      name,
      options,
      instructions,
    })),
    callbacks: Object.entries(callbacks).map(([kind, list]) => [kind, list.map(({ name }) => name)]),
    checks: checks.map(({ name }) => name),
    price: price?.({ inputTokens: 1, outputTokens: 1 }),
    ...JSON.parse(JSON.stringify({ ...rest, agent: undefined, context: undefined, model: undefined })),
  })
  expect(parts(other)).toEqual(parts(one))
})

test('the loaded agent does what the saved one did', async () => {
  const saved = text(whole())
  heard.length = 0
  const back = CodeAgent.fromJSON(saved, {
    model,
    tools: { echo, pay },
    functions,
    planningInterval: 99,
    maxCost: 50,
  })
  // A plan comes first: the script's only reply serves as one.
  expect(back.definition().options).toMatchObject({ planningInterval: 99, maxCost: 50, maxSteps: 7 })
  const { options } = saved as { options: Record<string, unknown> }
  delete options['planningInterval']
  const quiet = CodeAgent.fromJSON(saved, { model, tools: { echo, pay }, functions })
  expect(output(await quiet.run('t'))).toEqual({ total: 4 })
  expect(heard).toEqual(['step', 'all', 'check', 'all'])
})

test('a Zod schema is kept as JSON Schema, and given again it converts as before', async () => {
  const outputSchema = z.object({ day: z.string().transform((day) => new Date(day)) })
  const dated = scriptedModel(['finalAnswer({ day: "2026-01-01" })'])
  const saved = text(new CodeAgent({ model: dated, outputSchema }))
  const plain = CodeAgent.fromJSON(saved, { model: dated })
  expect(output(await plain.run('t'))).toEqual({ day: '2026-01-01' })
  const again = CodeAgent.fromJSON(saved, { model: dated, outputSchema })
  expect(output(await again.run('t'))).toEqual({ day: new Date('2026-01-01') })
})

describe('refused', () => {
  const given = { model, tools: [echo, pay], functions }
  const saved = (): SavedAgent => text(whole()) as SavedAgent
  test.each([
    [
      'a tool that is not there',
      { ...given, tools: [echo] },
      /names the tool 'pay', which is not given\. There are: echo/,
    ],
    [
      'a function that is not there',
      { ...given, functions: { note } },
      /names the function '\w+', which is not given\. There are: note/,
    ],
    [
      'a model that is not there',
      { tools: [echo, pay], functions, models: { 'a/b': model } },
      /the model 'scripted\/model'.*There are: a\/b/,
    ],
    ['a name that every object has', { ...given, functions: {} }, /There is none/],
  ])('%s', (_what, parts, message) => {
    const load = (): unknown => CodeAgent.fromJSON(saved(), parts)
    expect(load).toThrow(UsageError)
    expect(load).toThrow(message)
  })

  test.each([
    ['nothing', () => undefined, /no saved agent/],
    ['another format', () => ({ format: 'smolagents', version: 1 }), /no saved agent/],
    ['a newer one', () => ({ ...saved(), version: 2 }), /newer version \(format 2; this one reads 1\)/],
    ['one with a part missing', () => ({ ...saved(), tools: undefined }), /damaged/],
    ['names that are none', () => ({ ...saved(), tools: [7] }), /damaged/],
    [
      'an option that is not data',
      () => ({ ...saved(), options: { storagePath: '/etc/x' } }),
      /no option 'storagePath'/,
    ],
    [
      'an option that does not exist',
      () => ({ ...saved(), options: { colour: 'red' } }),
      /no option 'colour'/,
    ],
    ['a value that does not fit', () => ({ ...saved(), options: { maxSteps: -1 } }), /maxSteps must be/],
    [
      'a function where none belongs',
      () => ({ ...saved(), functions: { execute: ['note'] } }),
      /no functions at 'execute'/,
    ],
    [
      'a function called constructor',
      () => ({ ...saved(), functions: { price: ['constructor'] } }),
      /names the function 'constructor'/,
    ],
  ])('%s', (_what, data, message) => {
    const load = (): unknown => CodeAgent.fromJSON(data(), given)
    expect(load).toThrow(UsageError)
    expect(load).toThrow(message)
  })

  test('to be saved: a function without a name', () => {
    const agent = new CodeAgent({ model, finalAnswerChecks: [() => true] })
    expect(() => agent.toJSON()).toThrow(/finalAnswerChecks has a function without a name \(number 1\)/)
  })
})

test('every option is data, or named, or given again', () => {
  expect(Object.keys(SAVED_AS).toSorted()).toEqual([...OPTIONS].toSorted())
})

test('every format that was ever written is read', () => {
  const folder = join(import.meta.dirname, 'saved')
  const files = readdirSync(folder)
  expect(files).toContain('version-1.json')
  for (const file of files) {
    const saved = JSON.parse(readFileSync(join(folder, file), 'utf8')) as SavedAgent
    const back = CodeAgent.fromJSON(saved, {
      model,
      tools: [echo, pay],
      functions,
      models: { 'scripted/small': small },
    })
    expect(back.definition()).toMatchObject({ name: 'clerk', instructions: 'Count twice.' })
    expect([...back.definition().managed.keys()]).toEqual(['researcher'])
    expect(must(back.toJSON().functions['finalAnswerChecks'])).toEqual(['isPositive'])
  }
})
