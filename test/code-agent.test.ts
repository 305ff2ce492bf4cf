/** CodeAgent: the definition, its runs, and what it says of the last one. Races of the driver are in test/run. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AgentOptions } from '../src/agent/options.ts'
import { CodeAgent } from '../src/code-agent.ts'
import { scriptedModel, type ScriptedReply } from '../src/model/scripted.ts'
import { tool } from '../src/tool/tool.ts'

function agentOf(replies: readonly ScriptedReply[], more: Partial<AgentOptions> = {}): CodeAgent {
  const agent = new CodeAgent({ model: scriptedModel(replies), pauseGrace: 50, ...more })
  onTestFinished(async () => agent.close())
  return agent
}

/** A tool that returns when the test says so. */
function gated() {
  const gate = Promise.withResolvers<unknown>()
  const began = Promise.withResolvers<undefined>()
  const slow = tool({
    name: 'slow',
    description: 'Waits.',
    execute: async () => {
      began.resolve(undefined)
      return gate.promise
    },
  })
  return { gate, began: began.promise, tools: [slow] }
}

const usage = expect.objectContaining({ code: 'USAGE' })

describe('a definition', () => {
  test.each([
    [{ maxSteps: 0 }, /maxSteps/],
    [{ maxSteps: 1.5 }, /maxSteps/],
    [{ maxSteps: '3' }, /maxSteps/],
    [{ onLimit: 'stop' }, /onLimit/],
    [{ onUnknownOutcome: 'retry' }, /onUnknownOutcome/],
    [{ pauseGrace: 'soon' }, /pauseGrace/],
    [{ limits: { memory: '64' } }, /limits\.memory/],
    [{ limits: { stepTimeout: -1 } }, /limits\.stepTimeout/],
    [{ limits: { callsPerStep: NaN } }, /limits\.callsPerStep/],
    [{ limits: { outputChars: 0 } }, /limits\.outputChars/],
    [{ name: '' }, /name/],
    [{ name: 'a b' }, /name/],
    [{ name: '../x' }, /name/],
    [{ tool: [] }, /'tool'/],
    [{ stepCallbacks: ['x'] }, /callback 1/],
    [{ finalAnswerChecks: [1] }, /check 1/],
    [{ toolEffects: { nobody: 'read' } }, /nobody/],
  ])('%j is refused by the name of the option', (wrong, message) => {
    const options = { model: scriptedModel([]), ...wrong } as unknown as AgentOptions
    expect(() => new CodeAgent(options)).toThrow(usage)
    expect(() => new CodeAgent(options)).toThrow(message)
  })
})

describe('a run', () => {
  test('gives its output, and the agent speaks of it', async () => {
    const agent = agentOf(['const x = 40; x', 'finalAnswer(x + 2)'])
    expect([agent.runId, agent.task, agent.result, agent.questions, agent.memory.steps]).toEqual([
      undefined,
      '',
      undefined,
      [],
      [],
    ])
    const result = await agent.run('add')
    expect(result).toMatchObject({ status: 'completed', output: 42, reason: 'finalAnswer', stepCount: 2 })
    expect(agent.result).toEqual(result)
    expect([agent.runId, agent.task]).toEqual([result.runId, 'add'])
    expect(agent.memory.steps.map((step) => step.kind)).toEqual(['task', 'action', 'action', 'finalAnswer'])
  })

  test.each(['', '  ', 5, undefined, null])(
    'of the task %j is refused before anything is kept',
    async (task) => {
      const agent = agentOf([])
      await expect(agent.run(task as string)).rejects.toThrow(usage)
      expect(agent.runId).toBeUndefined()
    },
  )

  test.each(['a b', '../x', '', 'x'.repeat(200)])('of the id %j is refused', async (runId) => {
    await expect(agentOf([]).run('t', { runId })).rejects.toThrow(usage)
  })

  test('of an id that another task has is refused, of the same task it is that run', async () => {
    const agent = agentOf(['finalAnswer(1)'])
    const first = await agent.run('t', { runId: 'r1' })
    await expect(agent.run('other', { runId: 'r1' })).rejects.toThrow(/another task/)
    expect(await agent.run('t', { runId: 'r1' })).toMatchObject({ runId: first.runId, output: 1 })
  })

  test('many at once do not mix', async () => {
    const agent = agentOf([
      ({ prompt }) => `finalAnswer(${/task (\d+)/.exec(JSON.stringify(prompt))?.[1] ?? 0})`,
    ])
    const results = await Promise.all([1, 2, 3, 4, 5].map(async (n) => agent.run(`task ${n}`)))
    expect(results.map((result) => result.status === 'completed' && result.output)).toEqual([1, 2, 3, 4, 5])
  })

  test('by many is refused where the variable could not be named', async () => {
    await expect(agentOf([]).run('t', { additionalArgs: { 'a-b': 1 } })).rejects.toThrow(/a-b/)
    await expect(agentOf([]).run('t', { additionalArgs: { f: () => 1 } })).rejects.toThrow(usage)
  })

  test('whose first steps do not compile, or are killed, still has its arguments (R8)', async () => {
    const agent = agentOf(['const = 1', 'while (true);', 'finalAnswer(rows.length)'], {
      limits: { stepTimeout: 200 },
    })
    expect(await agent.run('t', { additionalArgs: { rows: [1, 2] } })).toMatchObject({ output: 2 })
  })
})

describe('reset: false', () => {
  test('without a run is a mistake of the caller', async () => {
    await expect(agentOf([]).run('t', { reset: false })).rejects.toThrow(/no run yet/)
    await expect(agentOf([]).pause()).rejects.toThrow(usage)
    await expect(agentOf([]).answer('q', { type: 'approve' })).rejects.toThrow(usage)
  })

  test('with the task of a completed run gives its stored result, and asks nobody', async () => {
    let asked = 0
    const agent = agentOf([
      () => {
        asked++
        return 'finalAnswer(1)'
      },
    ])
    await agent.run('t')
    expect(await agent.run('t', { reset: false })).toMatchObject({ status: 'completed', output: 1 })
    expect(asked).toBe(1)
  })

  test('with another task goes on in the same run, variables alive', async () => {
    const model = scriptedModel({ 1: ['const x = 41; finalAnswer(x)'], 2: ['finalAnswer(x + 1)'] })
    const agent = agentOf([], { model })
    const first = await agent.run('one')
    const second = await agent.run('two', { reset: false })
    expect(second).toMatchObject({ runId: first.runId, output: 42, stepCount: 2 })
    expect(agent.task).toBe('two')
  })

  test('with another task of a run that rests, or was stopped, is a mistake of the caller', async () => {
    const agent = agentOf(['await ask("?")'])
    await agent.run('one')
    await expect(agent.run('two', { reset: false })).rejects.toThrow(/not finished/)
    await agent.stop()
    await expect(agent.run('two', { reset: false })).rejects.toThrow(/stopped/)
    expect(await agent.run('one', { reset: false })).toMatchObject({ status: 'stopped' })
  })
})

describe('an answer', () => {
  test('is taken once: repeated it is harmless, another one is told who won', async () => {
    const agent = agentOf(['finalAnswer(await ask("Which?", { type: "number" }))'])
    const paused = await agent.run('ask')
    const [question] = agent.questions
    expect(paused).toMatchObject({ status: 'paused', questions: [{ message: 'Which?', kind: 'input' }] })
    const id = question?.id ?? ''
    await expect(agent.answer(id, { type: 'respond', value: 'x' })).rejects.toThrow(/does not fit/)
    await expect(agent.answer(id, { type: 'approve' })).rejects.toThrow(usage)
    await expect(agent.answer('q_nobody', { type: 'approve' })).rejects.toMatchObject({
      code: 'STATE_NOT_FOUND',
    })
    await agent.answer(id, { type: 'respond', value: 7 })
    expect(agent.questions).toEqual([])
    await agent.answer(id, { type: 'respond', value: 7 })
    await expect(agent.answer(id, { type: 'respond', value: 8 })).rejects.toMatchObject({
      code: 'ALREADY_ANSWERED',
      winner: { type: 'respond', value: 7 },
    })
    expect(await agent.run('ask', { reset: false })).toMatchObject({ output: 7 })
  })

  test('repeated with a reason that was left undefined is the same (R37)', async () => {
    const agent = agentOf(['finalAnswer(await ask("?").catch((e) => e.message))'])
    await agent.run('ask')
    const id = agent.questions[0]?.id ?? ''
    const decision = { type: 'reject', reason: undefined } as unknown as { readonly type: 'reject' }
    await agent.answer(id, decision)
    await agent.answer(id, decision)
    expect(await agent.run('ask', { reset: false })).toMatchObject({ output: 'rejected by a person' })
  })

  test('to the second question of a tool is its own (R7)', async () => {
    const two = tool({
      name: 'two',
      description: 'Asks twice.',
      execute: async (_input, { ask }) => [await ask('A?'), await ask('B?')],
    })
    const agent = agentOf(['finalAnswer(await tools.two({}))'], { tools: [two] })
    await agent.run('ask')
    await agent.answer(agent.questions[0]?.id ?? '', { type: 'respond', value: 'a' })
    expect(await agent.run('ask', { reset: false })).toMatchObject({ questions: [{ message: 'B?' }] })
    await agent.answer(agent.questions[0]?.id ?? '', { type: 'respond', value: 'b' })
    expect(await agent.run('ask', { reset: false })).toMatchObject({ output: ['a', 'b'] })
  })
})

describe('a stream', () => {
  test('starts at its first next, and its last event is the result', async () => {
    const agent = agentOf(['print("hi"); finalAnswer(1)'])
    const stream = agent.stream('t')
    expect(agent.runId).toBeUndefined()
    const types: string[] = []
    let last: unknown
    for await (const event of stream) {
      types.push(event.type)
      last = event
    }
    expect(types).toContain('printed')
    expect(types).toContain('entry')
    expect(last).toMatchObject({ type: 'result', result: { output: 1 } })
  })

  test('tells each durable entry once, in order, from the first of its segment on', async () => {
    const seqs: number[] = []
    for await (const event of agentOf(['1', 'finalAnswer(1)']).stream('t'))
      if (event.type === 'entry') seqs.push(event.entry.seq)
    expect(seqs[0]).toBe(3)
    expect(seqs).toEqual(seqs.map((_, index) => index + 3))
  })

  test('that its reader leaves pauses the run, durably', async () => {
    const { gate, began, tools } = gated()
    const agent = agentOf(['finalAnswer(await tools.slow({}))'], { tools, pauseGrace: '5s' })
    for await (const event of agent.stream('t')) {
      if (event.type !== 'entry' || event.entry.kind !== 'call-started') continue
      await began
      gate.resolve('late')
      break
    }
    expect(agent.result?.status).toBe('paused')
    expect(await agent.run('t', { reset: false })).toMatchObject({ output: 'late' })
  })

  test('of a finished run is its result alone', async () => {
    const agent = agentOf(['finalAnswer(1)'])
    await agent.run('t')
    const events: string[] = []
    for await (const event of agent.stream('t', { reset: false })) events.push(event.type)
    expect(events).toEqual(['result'])
  })

  test('that is read slowly does not hold the run up', async () => {
    const agent = agentOf(['print("a"); 1', 'finalAnswer(1)'])
    const run = await agent.start('t')
    const events = run.events()
    await events.next()
    expect(await run.result()).toMatchObject({ output: 1 })
    let last: unknown
    for await (const event of events) last = event
    expect(last).toMatchObject({ type: 'result' })
  })
})

describe('close', () => {
  test('before anything was opened does nothing, twice too', async () => {
    const agent = agentOf([])
    await agent.close()
    await agent.close()
  })

  test('pauses every run that the agent drives (R23)', async () => {
    const { began, tools } = gated()
    const agent = agentOf(['await tools.slow({})'], { tools })
    const runs = [await agent.start('one'), await agent.start('two')]
    await began
    await agent.close()
    expect(await Promise.all(runs.map(async (run) => (await run.result()).status))).toEqual([
      'paused',
      'paused',
    ])
  })

  test('at the end of a scope', async () => {
    const { began, tools } = gated()
    let run
    {
      await using agent = new CodeAgent({
        model: scriptedModel(['await tools.slow({})']),
        tools,
        pauseGrace: 20,
      })
      run = await agent.start('t')
      await began
    }
    expect((await run.result()).status).toBe('paused')
  })
})

describe('callbacks and checks', () => {
  test('hear of each step once, in order, with the memory up to it', async () => {
    const heard: string[] = []
    const agent = agentOf(['1', 'finalAnswer(2)'], {
      stepCallbacks: [
        (step, { memory, attempt }) => void heard.push(`a${step.number} ${memory.steps.length} ${attempt}`),
        async (step) => void heard.push(`b${step.number}`),
      ],
    })
    await agent.run('t')
    expect(heard).toEqual(['a1 2 1', 'b1', 'a2 3 1', 'b2'])
  })

  test('that throw watch badly, and the run goes on', async () => {
    const agent = agentOf(['finalAnswer(1)'], {
      stepCallbacks: [
        () => {
          throw new Error('no')
        },
      ],
    })
    expect(await agent.run('t')).toMatchObject({ output: 1 })
  })

  test('a refused answer is told to the model with the reason', async () => {
    let told = ''
    const agent = agentOf(
      [
        'finalAnswer(1)',
        ({ prompt }) => {
          told = JSON.stringify(prompt.at(-1))
          return 'finalAnswer(2)'
        },
      ],
      {
        finalAnswerChecks: [
          function isEven(answer) {
            if ((answer as number) % 2 === 1) throw new Error('odd')
          },
        ],
      },
    )
    expect(await agent.run('t')).toMatchObject({ output: 2 })
    expect(told).toMatch(/isEven.*odd/)
  })
})
