/** The parent's acceptance list, by its numbers: the agent's loop. What is left out is in docs/smolagents.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  AgentStoppedException,
  CodeAgent,
  memoryStore,
  PersistentCodeAgent,
  tool,
  UsageError,
  type ActionStep,
  type MemoryStep,
  type SavedAgent,
} from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { z } from 'zod'
import {
  agentOf,
  echo,
  goOn,
  HandTool,
  lastWord,
  listeningModel,
  must,
  output,
  plainTool,
  promptText,
  rested,
} from '../e2e/fixtures/bench.ts'

function actions(steps: readonly MemoryStep[]): readonly ActionStep[] {
  return steps.filter((step): step is ActionStep => step.kind === 'action')
}

function listening(
  script: Parameters<typeof listeningModel>[0],
  options: Partial<Parameters<typeof agentOf>[0]> = {},
) {
  const { model, calls } = listeningModel(script)
  return { calls, agent: new PersistentCodeAgent({ store: memoryStore(), ...options, model }) }
}

test('7.1 fake code agent: two steps give a number, and the second one is its code', async () => {
  const agent = agentOf({ script: ['const power = 2 ** 3.6452\nprint(power)', 'finalAnswer(7.2904)'] })
  const result = rested(await agent.run('What is 2 multiplied by 3.6452?'), 'completed')
  expect(result).toMatchObject({ output: 7.2904, reason: 'finalAnswer', stepCount: 2 })
  expect(agent.memory.steps.map(({ kind }) => kind)).toEqual(['task', 'action', 'action', 'finalAnswer'])
  expect(agent.memory.steps[2]).toMatchObject({ number: 2, code: 'finalAnswer(7.2904)' })
})

test('7.2 additional args: told by name in the task, and variables of the code', async () => {
  const { agent, calls } = listening(['finalAnswer(table.length + name)'])
  const additionalArgs = { table: [1, 2, 3], name: 'rows' }
  expect(output(await agent.run('Count', { additionalArgs }))).toBe('3rows')
  expect(lastWord(calls[0])).toMatch(/table.*array of 3[\s\S]*name/)
})

test('7.3 reset: a follow-up keeps what was, a new run begins with nothing', async () => {
  const agent = agentOf({
    script: ['const seen = typeof kept === "undefined" ? 0 : kept + 1\nvar kept = seen\nfinalAnswer(seen)'],
  })
  expect(output(await agent.run('Look'))).toBe(0)
  expect(agent.memory.steps).toHaveLength(3)
  await agent.run('Look again', { reset: false })
  expect(agent.memory.steps).toHaveLength(6)
  expect(output(await agent.run('Look anew'))).toBe(0)
  expect(agent.memory.steps).toHaveLength(3)
})

test('7.4 max steps: so many steps, then a last answer in words; a task may have its own number', async () => {
  const script = [...Array.from({ length: 9 }, (_, n) => `const a${n} = ${n}`), '1']
  const words = { text: 'I do not know.' }
  const replies = script.map(
    (code) =>
      ({ canRun }: { readonly canRun: boolean }) =>
        canRun ? code : words,
  )
  const agent = agentOf({ maxSteps: 5, script: replies })
  const result = rested(await agent.run('Try'), 'completed')
  expect(result).toMatchObject({ output: 'I do not know.', reason: 'maxSteps', stepCount: 5 })
  expect(agent.memory.steps).toHaveLength(7)
  expect(agent.memory.steps.at(-1)).toMatchObject({ kind: 'finalAnswer', reason: 'maxSteps' })
  expect(rested(await agent.run('Try', { maxSteps: 3 }), 'completed').stepCount).toBe(3)
})

test('7.5 tools stand in the system prompt with signature and description', async () => {
  const { agent, calls } = listening(['finalAnswer(1)'], { tools: [echo] })
  await agent.run('t')
  expect(promptText(must(calls[0]).prompt)).toMatch(/Gives back n.*echo\(input: \{ n: number.*Promise</)
})

test('7.7 toolsets: none by default; a name that is taken twice is refused', () => {
  expect(agentOf({}).definition().tools.size).toBe(0)
  expect(() => agentOf({ tools: [echo, echo] })).toThrow(/echo/)
})

test('7.8 a function of step 1 is there in step 2', async () => {
  const agent = agentOf({ script: ['function twice(n: number) { return n * 2 }', 'finalAnswer(twice(21))'] })
  expect(output(await agent.run('t'))).toBe(42)
})

test('7.9 managed agents are listed with their descriptions, and nothing is said where there are none', async () => {
  const researcher = new CodeAgent({
    name: 'researcher',
    description: 'Looks things up',
    model: scriptedModel([]),
  })
  const { agent, calls } = listening(['finalAnswer(1)'], { managedAgents: [researcher] })
  await agent.run('t')
  const alone = listening(['finalAnswer(1)'])
  await alone.agent.run('t')
  expect(promptText(must(calls[0]).prompt)).toMatch(/Looks things up.*researcher\(/)
  expect(promptText(must(alone.calls[0]).prompt)).not.toMatch(/researcher|Looks things up/)
})

test('7.10 replay shows the task, the code and what came of it', async () => {
  const agent = agentOf({
    script: [{ text: 'I print.', code: 'print("hello")\n6 * 7' }, 'finalAnswer("done")'],
  })
  await agent.run('Say hello')
  for (const part of ['Say hello', 'I print.', 'print("hello")', 'hello', '42', 'done'])
    expect(agent.memory.replay()).toContain(part)
})

test('7.11 an answer from within a function ends the run where it stands', async () => {
  const agent = agentOf({
    script: [
      'function deep(n: number): void { if (n === 0) finalAnswer("from below"); else deep(n - 1) }\ndeep(5)\nprint("never")',
    ],
  })
  const result = await agent.run('t')
  expect(output(result)).toBe('from below')
  expect(actions(agent.memory.steps)[0]?.output).toBe('')
})

test('7.12 final answer checks: a refusal is told to the model and the loop goes on; a pass accepts', async () => {
  const { agent, calls } = listening(['finalAnswer(1)', 'finalAnswer(2)'], {
    finalAnswerChecks: [
      function isEven(answer, { memory }) {
        if (memory.steps.length === 0) throw new Error('no memory')
        if (Number(answer) % 2 === 1) throw new Error('odd numbers are not allowed')
      },
    ],
  })
  expect(output(await agent.run('t'))).toBe(2)
  expect(lastWord(calls[1])).toMatch(/isEven.*odd numbers are not allowed/)
})

test('7.14 a model that fails ends the task with its error; the memory is the task, and trying again goes on', async () => {
  const agent = agentOf({
    script: [{ error: Object.assign(new Error('no such model'), { statusCode: 404 }) }, 'finalAnswer(1)'],
  })
  const result = rested(await agent.run('t'), 'failed')
  expect(result.error).toMatchObject({ code: 'MODEL', message: expect.stringContaining('no such model') })
  expect(agent.memory.steps.map(({ kind }) => kind)).toEqual(['task'])
  expect(output(await goOn(agent))).toBe(1)
})

describe('7.16 planning', () => {
  const PLAN = { text: 'the plan: look, then tell' }
  const script = [PLAN, 'const a = 1', { text: 'the plan: tell' }, 'finalAnswer(a)']

  test('first plan: asked before anything is done, with the task before it and no tool', async () => {
    const { agent, calls } = listening(script, { planningInterval: 1 })
    await agent.run('The task')
    const first = must(calls[0])
    expect(first.canRun).toBe(false)
    expect(first.prompt.map(({ role }) => role)).toEqual(['system', 'user', 'user'])
    expect(promptText(first.prompt)).toMatch(/The task.*Before you act, write a short plan/)
  })

  test('update: asked for anew, with the steps that are left, and the plan is not repeated by the request', async () => {
    const { agent, calls } = listening(script, { planningInterval: 1, maxSteps: 8 })
    await agent.run('The task')
    const request = lastWord(calls[2])
    expect(request).toMatch(/write the plan anew/)
    expect(request).toMatch(/7 steps left/)
    expect(request).not.toMatch(/look, then tell|\{\{/)
  })

  test('the step after it has the plan once, as the model said it', async () => {
    const { agent, calls } = listening(script, { planningInterval: 1 })
    await agent.run('The task')
    const text = promptText(must(calls[1]).prompt)
    expect(text.split('look, then tell')).toHaveLength(2)
    expect(must(calls[1]).prompt.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user'])
  })

  test('interval 2: before steps 1 and 3', async () => {
    const { agent } = listening([PLAN, '1', '2', PLAN, 'finalAnswer(3)'], { planningInterval: 2 })
    await agent.run('t')
    const kinds = agent.memory.steps.map(({ kind }) => kind)
    expect(kinds).toEqual(['task', 'planning', 'action', 'action', 'planning', 'action', 'finalAnswer'])
  })

  test('no interval: no plan', async () => {
    const { agent, calls } = listening(['finalAnswer(1)'])
    await agent.run('t')
    expect(calls).toHaveLength(1)
  })
})

test('7.19 prompt templates: what is missing or unknown is refused at construction, what is given is used', async () => {
  expect(() => agentOf({ promptTemplates: { system: 'Be good.' } })).toThrow(/lacks the placeholder/)
  expect(() => agentOf({ promptTemplates: { nothing: '' } as never })).toThrow(/no template 'nothing'/)
  const system = 'My own words.\n\n{{tools}}\n\n{{answer}}\n\n{{instructions}}'
  const { agent, calls } = listening(['finalAnswer(1)'], { promptTemplates: { system } })
  await agent.run('t')
  expect(must(calls[0]).prompt[0]).toMatchObject({
    role: 'system',
    content: expect.stringContaining('My own words.'),
  })
})

test('7.20 the system prompt is derived from the options, stored with its run, and not to be changed', async () => {
  const { agent, calls } = listening(['finalAnswer(1)'], { instructions: 'Speak softly.' })
  await agent.run('t')
  const [system] = await agent.memory.messagesOf(1)
  expect(system).toEqual(must(calls[0]).prompt[0])
  expect(system?.content).toContain('Speak softly.')
})

test('7.22 step callbacks as a list hear of action steps only', async () => {
  const heard: string[] = []
  const agent = agentOf({
    planningInterval: 9,
    stepCallbacks: [(step) => void heard.push(`${step.kind} ${step.number}`)],
    script: [{ text: 'plan' }, '1', 'finalAnswer(2)'],
  })
  await agent.run('t')
  expect(heard).toEqual(['action 1', 'action 2'])
})

test('7.23 step callbacks by kind: each hears of its own, `all` of every kind and the final answer', async () => {
  const heard: string[] = []
  const agent = agentOf({
    planningInterval: 9,
    stepCallbacks: {
      planning: () => void heard.push('planning'),
      all: (step) => void heard.push(`all ${step.kind}`),
    },
    script: [{ text: 'plan' }, 'finalAnswer(2)'],
  })
  await agent.run('t')
  expect(heard).toEqual(['planning', 'all planning', 'all action', 'all finalAnswer'])
})

test('7.25 step count: 0 before the first step, the number of steps after an exhausted task', async () => {
  const words = { text: 'enough' }
  const agent = agentOf({ maxSteps: 2, script: ['1', '2', words] })
  const run = await agent.start('t', { abortSignal: AbortSignal.abort() })
  expect(rested(await run.result(), 'paused').stepCount).toBe(0)
  expect(rested(await goOn(agent), 'completed')).toMatchObject({ stepCount: 2, reason: 'maxSteps' })
})

test('7.26 the last answer is asked for after all that happened, with the task before it and no tool', async () => {
  const { agent, calls } = listening(['1', { text: 'that is it' }], { maxSteps: 1 })
  expect(output(await agent.run('The task'))).toBe('that is it')
  const last = must(calls[1])
  expect(last.canRun).toBe(false)
  const told = promptText(last.prompt)
  const places = ['The task', '"assistant"', 'Value:', 'You have used'].map((part) => told.lastIndexOf(part))
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(last.prompt.at(-1)?.role).toBe('user')
  expect(lastWord(last)).toMatch(/You have used all your steps/)
})

describe('7.27 interrupt', () => {
  test('inside an action: the tool in flight is told, and nothing follows', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      pauseGrace: 0,
      script: ['await slow({ n: 1 })', 'finalAnswer(1)'],
    })
    const run = await agent.start('t')
    await slow.begun(1)
    await run.stop('changed my mind')
    expect(rested(await run.result(), 'stopped').message).toBe('changed my mind')
    expect(slow.aborted).toEqual([1])
  })

  test('in an agent below: it is stopped with its manager', async () => {
    const slow = new HandTool()
    const researcher = new CodeAgent({
      name: 'researcher',
      description: 'Looks',
      tools: [slow.tool],
      pauseGrace: 0,
      model: scriptedModel(['await slow({ n: 1 })', 'finalAnswer(1)']),
    })
    const store = memoryStore()
    const agent = agentOf({
      store,
      pauseGrace: 0,
      managedAgents: [researcher],
      script: ['finalAnswer(await researcher("look"))'],
    })
    const run = await agent.start('t')
    await slow.begun(1)
    await run.stop()
    expect((await run.result()).status).toBe('stopped')
    expect(slow.aborted).toEqual([1])
    expect((await store.runs({}, 10)).map(({ status }) => status)).toEqual(['stopped', 'stopped'])
  })

  test('by a tool: the exception stops, whatever the code catches', async () => {
    const stop = plainTool('halt', () => {
      throw new AgentStoppedException('no further')
    })
    const agent = agentOf({ tools: [stop], script: ['try { await halt({}) } catch {}\nfinalAnswer(1)'] })
    expect(rested(await agent.run('t'), 'stopped').message).toBe('no further')
  })
})

test('7.28 names of tools, agents and the agent itself must differ', () => {
  const twin = new CodeAgent({ name: 'echo', description: 'Says it again', model: scriptedModel([]) })
  expect(() => agentOf({ tools: [echo], managedAgents: [twin] })).toThrow(/both named 'echo'/)
  expect(() => agentOf({ managedAgents: [twin, twin] })).toThrow(UsageError)
  expect(() => agentOf({ name: 'echo', tools: [echo] })).toThrow(/its own name/)
})

test('7.29 a team is saved as data and loaded again', async () => {
  const model = scriptedModel(['finalAnswer(await researcher("moon"))'])
  const small = scriptedModel(['finalAnswer("far")'], { modelId: 'small' })
  const researcher = new CodeAgent({ name: 'researcher', description: 'Looks', model: small })
  const manager = new CodeAgent({ name: 'manager', model, managedAgents: [researcher], maxSteps: 4 })
  const text = JSON.stringify(manager)
  const models = { 'scripted/model': model, 'scripted/small': small }
  const back = CodeAgent.fromJSON(JSON.parse(text), { models })
  expect(JSON.stringify(back)).toBe(text)
  expect(output(await back.run('How far?'))).toBe('far')
})

test('7.30 what is loaded is what the caller gave: other names are refused, and what there is is listed', () => {
  const saved = new CodeAgent({ model: scriptedModel([]), tools: [echo] }).toJSON()
  expect(() => CodeAgent.fromJSON(saved, { tools: [echo] })).toThrow(/'scripted\/model'.*There is none/)
  expect(() => CodeAgent.fromJSON(saved, { model: scriptedModel([]), tools: [] })).toThrow(/tool 'echo'/)
})

test('7.31 formats that were written before are read, newer ones are refused', () => {
  const model = scriptedModel([])
  const file = join(import.meta.dirname, '../agent/saved/version-1.json')
  const saved = JSON.parse(readFileSync(file, 'utf8')) as SavedAgent
  const parts = saved.functions
  const functions = Object.fromEntries(
    Object.values(parts)
      .flat()
      .map((name) => [name, () => 1]),
  )
  const pay = plainTool('pay', () => 1)
  expect(CodeAgent.fromJSON(saved, { model, tools: [echo, pay], functions }).definition().name).toBe('clerk')
  expect(() => CodeAgent.fromJSON({ ...saved, version: 99 }, { model })).toThrow(/newer version/)
})

test('7.33 an error names the line of the step and shows it', async () => {
  const { agent, calls } = listening(['const a = 1\nconst b = a.missing.deep\nprint(b)', 'finalAnswer(1)'], {
    typeCheck: false,
  })
  await agent.run('t')
  const [step] = actions(agent.memory.steps)
  expect(step?.error?.name).toBe('TypeError')
  expect(lastWord(calls[1])).toMatch(/step1\.ts:2/)
  expect(lastWord(calls[1])).toContain('const b = a.missing.deep')
})

test('7.35 a syntax error shows the line, keeps the code in the memory, and nothing of it ran', async () => {
  const seen: string[] = []
  const note = plainTool('note', () => void seen.push('ran'))
  const { agent, calls } = listening(['await note({})\nconst = 5', 'finalAnswer(1)'], { tools: [note] })
  await agent.run('t')
  const [step] = actions(agent.memory.steps)
  expect(step).toMatchObject({ code: 'await note({})\nconst = 5', error: { name: 'SyntaxError' } })
  expect(lastWord(calls[1])).toMatch(/step1\.ts:2/)
  expect(lastWord(calls[1])).toContain('const = 5')
  expect(seen).toEqual([])
})

test('7.36 an import is refused with what to write instead', async () => {
  const { agent, calls } = listening(['import fs from "node:fs"\nfs.readFileSync("x")', 'finalAnswer(1)'])
  await agent.run('t')
  expect(lastWord(calls[1])).toMatch(/import/)
  expect(lastWord(calls[1])).toMatch(/tool/)
})

test('7.38 functions of the host are given as tools, and are called like functions', async () => {
  const add = tool({
    name: 'add',
    description: 'Adds',
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    effect: 'read',
    execute: async ({ a, b }) => a + b,
  })
  const agent = agentOf({
    tools: [add],
    script: ['finalAnswer(await add({ a: 2, b: await tools.add({ a: 3, b: 4 }) }))'],
  })
  expect(output(await agent.run('t'))).toBe(9)
})

test('7.32 an agent reports its answer alone, or with a summary of what it did', async () => {
  const researcher = (provideRunSummary: boolean): CodeAgent =>
    new CodeAgent({
      name: 'researcher',
      description: 'Looks things up',
      provideRunSummary,
      model: scriptedModel([
        'const km = 384_400\nprint("looking")\nkm',
        'throw new Error("oh")',
        'finalAnswer(km)',
      ]),
    })
  const script = ['finalAnswer(await researcher("How far is the moon?"))']
  const reported = async (provideRunSummary: boolean): Promise<unknown> =>
    output(await agentOf({ managedAgents: [researcher(provideRunSummary)], script }).run('t'))
  expect(await reported(false)).toBe(384_400)
  expect(await reported(true)).toEqual({
    output: 384_400,
    summary: `Step 1\nconst km = 384_400\nprint("looking")\nkm\nPrinted:\nlooking\nValue: 384400

Step 2\nthrow new Error("oh")\nError: Error: oh

Step 3\nfinalAnswer(km)`,
  })
})

test('7.41 a manager gets the report of its agent, and the run of the agent is there to be read', async () => {
  const store = memoryStore()
  const researcher = new CodeAgent({
    name: 'researcher',
    description: 'Looks things up',
    model: scriptedModel(['print("looking")', 'finalAnswer("the moon is far")']),
  })
  const agent = agentOf({
    store,
    managedAgents: [researcher],
    script: ['finalAnswer(await researcher("How far is the moon?"))'],
  })
  expect(output(await agent.run('t'))).toBe('the moon is far')
  const below = (await store.runs({}, 10)).find(({ runId, rootRunId }) => runId !== rootRunId)
  expect(below).toMatchObject({ agent: 'researcher', status: 'completed', stepCount: 2 })
})

test('7.42 a binary result comes out as it was', async () => {
  const bytes = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 255])
  const draw = plainTool('draw', () => bytes, { effect: 'read' })
  const agent = agentOf({ tools: [draw], script: ['const image = await draw({})\nfinalAnswer(image)'] })
  expect(output(await agent.run('t'))).toEqual(bytes)
  const made = agentOf({ script: ['finalAnswer({ name: "a.bin", data: new Uint8Array([1, 2, 3]) })'] })
  expect(output(await made.run('t'))).toEqual({ name: 'a.bin', data: new Uint8Array([1, 2, 3]) })
})

test('ours: a pause is not an answer, and no answer looks like one', async () => {
  const agent = agentOf({ script: ['finalAnswer("Agent execution paused: please wait")'] })
  expect((await agent.run('t')).status).toBe('completed')
  const asks = agentOf({ script: ['finalAnswer(await ask("Which?"))'] })
  expect((await asks.run('t')).status).toBe('paused')
})
