/** A person talks to a run, interrupts it, and changes what it may do. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { violations } from '../../src/journal/check.ts'
import { isOneWith } from '../../src/journal/together.ts'
import { recorded } from '../crash/fixtures/recorded.ts'
import { memoryStore, UsageError, PersistentCodeAgent, tool } from '../../src/index.ts'
import {
  agentOf,
  again,
  deferred,
  echo,
  entriesOf,
  goOn,
  HandClock,
  HandTool,
  journalOf,
  lastWord,
  listeningModel,
  must,
  onlyQuestion,
  output,
  PATIENT,
  plainTool,
  promptText,
} from './fixtures/bench.ts'

describe('what is said', () => {
  test('while a step runs stands in the next prompt, after what the step printed', async () => {
    const slow = new HandTool('slow', 'read')
    const { model, calls } = listeningModel(['print("got", await slow({ n: 1 }))', 'finalAnswer(2)'])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model, tools: [slow.tool] })
    const run = await agent.start('Go')
    await slow.begun(1)
    await run.say('In euros, please', { by: 'eve' })
    slow.settle(1)
    expect(output(await run.result())).toBe(2)
    expect(lastWord(calls[1])).toContain('In euros, please')
    expect(promptText(must(calls[1]).prompt)).toMatch(/got 1.*In euros/s)
  })

  test('to a run that rests, from another process, is heard when it goes on', async () => {
    const store = memoryStore()
    const script = ['await ask("Which?")\nprint("asked")', 'finalAnswer("done")']
    const question = onlyQuestion(await agentOf({ store, script }).run('Ask'))
    const other = await again({ store, script })
    await other.say('Be quick')
    await other.answer(question.id, { type: 'respond', value: 1 })
    const { model, calls } = listeningModel(script)
    const third = await new PersistentCodeAgent({ store, model }).resume()
    expect(output(await goOn(third))).toBe('done')
    expect(promptText(must(calls[0]).prompt)).toContain('Be quick')
  })

  test('while the model is asked stands after its reply, which does not know it', async () => {
    const gate = deferred()
    const asked = deferred()
    const { model, calls } = listeningModel([
      async () => {
        asked.resolve()
        await gate.promise
        return 'print(1)'
      },
      'finalAnswer(2)',
    ])
    const store = memoryStore()
    const agent = new PersistentCodeAgent({ store, model })
    const run = await agent.start('Go')
    await asked.promise
    await run.say('Wait, there is more')
    await expect.poll(async () => (await entriesOf(store, run.id, 'message-said')).length, PATIENT).toBe(1)
    gate.resolve()
    expect(output(await run.result())).toBe(2)
    const roles = must(calls[1]).prompt.map(({ role }) => role)
    expect(roles).toEqual(['system', 'user', 'assistant', 'tool', 'user'])
    // A process that reads it anew sees the same.
    const read = await new PersistentCodeAgent({ store, model }).resume()
    expect(read.memory.replay()).toContain('print(1)')
  })

  test.for(['finalAnswer(1)', { text: 'One.' }] as const)(
    'before an answer stands (%j) is heard first',
    async (answer) => {
      const gate = deferred()
      const asked = deferred()
      const store = memoryStore()
      const { model, calls } = listeningModel([
        async () => {
          asked.resolve()
          await gate.promise
          return answer
        },
        'finalAnswer(2)',
      ])
      const agent = new PersistentCodeAgent({ store, model })
      const run = await agent.start('Go')
      await asked.promise
      await run.say('Twice that')
      await expect.poll(async () => (await entriesOf(store, run.id, 'message-said')).length, PATIENT).toBe(1)
      gate.resolve()
      expect(output(await run.result())).toBe(2)
      expect(promptText(must(calls[1]).prompt)).toMatch(/Twice that.*does not stand yet/s)
    },
  )

  test('is refused where nobody hears it', async () => {
    const agent = agentOf({ script: ['finalAnswer(1)'] })
    await expect(agent.say('Hello')).rejects.toThrow(UsageError)
    await agent.run('Go')
    await expect(agent.say(' ')).rejects.toThrow('A message is text')
    const stopped = agentOf({ script: ['await ask("?")'] })
    await stopped.run('Go')
    await stopped.stop()
    await expect(stopped.say('Hello')).rejects.toThrow('is stopped')
  })
})

describe('an interruption', () => {
  test('ends the step where it waits: variables stay, tools see their signal, the model is told', async () => {
    const store = memoryStore()
    const pay = new HandTool('pay', 'once')
    const read = new HandTool('read', 'read')
    const { model, calls } = listeningModel([
      'const before = 1\nprint("paying")\nconst all = await Promise.all([pay({ n: 1 }), read({ n: 2 })])\nprint("never")\nconst after = 2',
      'finalAnswer([before, typeof after, typeof all])',
    ])
    const agent = new PersistentCodeAgent({ store, model, tools: [pay.tool, read.tool], typeCheck: false })
    const run = await agent.start('Pay')
    await Promise.all([pay.begun(1), read.begun(2)])
    await run.say('Stop paying', { interrupt: true })
    expect(output(await run.result())).toEqual([1, 'undefined', 'undefined'])
    expect([pay.aborted, read.aborted]).toEqual([[1], [2]])
    const told = promptText(must(calls[1]).prompt)
    expect(told).toContain('Printed:\\npaying')
    expect(told).toContain('Interrupted: A person interrupted the step here')
    expect(told).toMatch(/step1\.ts:3:\d+/)
    expect(told).toContain('pay (1.1) was cut: whether it happened is not known')
    expect(told).toContain('read (1.2) was cut')
    expect(told).toContain('Stop paying')
    expect(told).not.toContain('never\\n')
    expect(told).toContain('New variables: before (number)')
  })

  test('reaches a step that waits for a person, and the run goes on by itself', async () => {
    const store = memoryStore()
    const ordered: number[] = []
    const tools = [
      tool({
        name: 'order',
        description: 'Orders',
        needsApproval: true,
        execute: async () => void ordered.push(1),
      }),
    ]
    const script = ['await Promise.all([order({}), sleep("2d")])', 'finalAnswer("left")']
    const first = agentOf({ store, tools, script })
    const question = onlyQuestion(await first.run('Order'))
    await first.say('Never mind', { interrupt: true })
    const second = await again({ store, tools, script })
    expect(output(await goOn(second))).toBe('left')
    expect(ordered).toEqual([])
    await expect(second.answer(question.id, { type: 'approve' })).rejects.toThrow('no open question')
    const [cut] = await entriesOf(store, must(second.runId), 'step-interrupted')
    expect(cut?.calls).toBe('order (1.1) was not sent; sleep (1.2) waits no more')
  })

  test('ends the request to the model, and the next one knows what was said', async () => {
    const asked = deferred()
    let aborted = false
    const store = memoryStore()
    const base = listeningModel(['finalAnswer("heard")'])
    const agent = new PersistentCodeAgent({
      store,
      model: {
        ...base.model,
        doStream: async (options: LanguageModelV4CallOptions) => {
          if (asked.promise !== undefined && base.calls.length === 0 && !aborted) {
            asked.resolve()
            return new Promise<never>((_resolve, reject) => {
              options.abortSignal?.addEventListener('abort', () => {
                aborted = true
                reject(new Error('aborted'))
              })
            })
          }
          return base.model.doStream(options)
        },
      },
    })
    const run = await agent.start('Go')
    await asked.promise
    await run.say('Another way', { interrupt: true })
    expect(output(await run.result())).toBe('heard')
    expect(aborted).toBe(true)
    expect(lastWord(base.calls[0])).toContain('Another way')
  })

  test('of a program that computes comes at its next await; calls that it makes until then are not sent', async () => {
    const store = memoryStore()
    const slow = new HandTool('slow', 'read')
    const agent = agentOf({
      store,
      tools: [slow.tool, echo],
      script: ['await slow({ n: 1 })\nawait echo({ n: 2 })\nprint("past")', 'finalAnswer(typeof slow)'],
    })
    const run = await agent.start('Go')
    await slow.begun(1)
    // Both reach the driver at once: the result is delivered first.
    slow.settle(1)
    await run.say('Stop', { interrupt: true })
    expect(output(await run.result())).toBe('function')
  })

  test('survives a crash at any place: what goes on does so as the first would have', async () => {
    const clock = new HandClock()
    const recording = recorded(clock)
    const slow = new HandTool('slow', 'read')
    const script = ['const kept = [1]\nkept.push(await slow({ n: 1 }))', 'finalAnswer(kept)']
    const first = agentOf({ store: recording.store, tools: [slow.tool], script })
    const run = await first.start('Go')
    await slow.begun(1)
    await run.say('Enough', { interrupt: true })
    expect(output(await run.result())).toEqual([1])
    const from = recording.entries.findIndex(({ kind }) => kind === 'step-interrupted')
    for (let cut = from; cut < recording.entries.length; cut++) {
      const [before, next] = [must(recording.entries[cut - 1]), must(recording.entries[cut])]
      if (isOneWith(next, before)) continue
      const other = new HandTool('slow', 'read')
      const store = await recording.cut(cut, clock)
      const left = await again({ store, tools: [other.tool], script })
      expect(output(await goOn(left)), `cut after ${before.kind}`).toEqual([1])
      expect(other.started).toEqual([])
      expect(violations(await journalOf(store, run.id))).toEqual([])
    }
  })

  test('after the answer is only said: the next task hears it', async () => {
    const { model, calls } = listeningModel({ 1: ['finalAnswer(1)'], 2: ['finalAnswer(2)'] })
    const agent = new PersistentCodeAgent({ store: memoryStore(), model })
    await agent.run('One')
    await agent.say('Two, rather', { interrupt: true })
    expect(output(await agent.run('Next', { reset: false }))).toBe(2)
    expect(promptText(must(calls[1]).prompt)).toContain('Two, rather')
  })
})

describe('what a paused run may do', () => {
  const pay = plainTool('pay', () => 'paid')
  const look = plainTool('look', () => 'seen', { effect: 'read' })
  const script = [
    'const before = typeof pay\nawait ask("Go on?")',
    'finalAnswer([before, typeof tools.pay, typeof tools.look, typeof pay])',
  ]

  async function resting(options: object = {}) {
    const store = memoryStore()
    const { runId } = await agentOf({ store, tools: [pay], script, typeCheck: false, ...options }).run('Go')
    return { store, runId }
  }

  test('tools are new: the code has them, and the model is told', async () => {
    const { store, runId } = await resting()
    const { model, calls } = listeningModel(script)
    const other = await new PersistentCodeAgent({
      store,
      tools: [pay, look],
      model,
      typeCheck: false,
    }).resume()
    await other.answer(must(other.questions[0]).id, { type: 'respond', value: 1 })
    expect(output(await goOn(other))).toEqual(['function', 'function', 'function', 'function'])
    const told = promptText(must(calls[0]).prompt)
    expect(told).toContain('These tools are new: look.')
    expect(told).toContain('look(')
    expect(await entriesOf(store, runId, 'tools-changed')).toMatchObject([
      { changed: ['look'], added: ['look'] },
    ])
  })

  test('tools are taken away: named, or it is refused; a replay has them while it had them', async () => {
    const { store, runId } = await resting()
    const lacking = await new PersistentCodeAgent({
      store,
      tools: [look],
      model: listeningModel(script).model,
    }).resume()
    await lacking.answer(must(lacking.questions[0]).id, { type: 'respond', value: 1 })
    await expect(goOn(lacking)).rejects.toThrow('granted tools that are not given: pay')
    const { model, calls } = listeningModel(script)
    const given = { store, model, typeCheck: false }
    const other = await new PersistentCodeAgent({ ...given, tools: [look] }).resume({ revoke: ['pay'] })
    expect(output(await goOn(other))).toEqual(['function', 'undefined', 'function', 'undefined'])
    expect(promptText(must(calls[0]).prompt)).toContain('taken away, and cannot be called any more: pay')
    expect(promptText(must(calls[0]).prompt)).not.toContain('The tool pay')
    // A follow-up, by whoever has what it is granted now, from the journal alone.
    const entries = await journalOf(store, runId)
    expect(violations(entries)).toEqual([])
    const twin = await other.fork({ entry: entries.length })
    expect(output(await twin.run(twin.task, { reset: false }))).toEqual([
      'function',
      'undefined',
      'function',
      'undefined',
    ])
  })

  test('a crash after the change: the replay grants what was granted, when it was', async () => {
    const clock = new HandClock()
    const recording = recorded(clock)
    const first = agentOf({ store: recording.store, tools: [pay], script, typeCheck: false })
    const asked = onlyQuestion(await first.run('Go'))
    await first.answer(asked.id, { type: 'respond', value: 1 })
    const given = { store: recording.store, model: listeningModel(script).model, typeCheck: false }
    const second = await new PersistentCodeAgent({ ...given, tools: [look] }).resume({ revoke: ['pay'] })
    const whole = output(await goOn(second))
    const from = recording.entries.findIndex(({ kind }) => kind === 'tools-changed') + 1
    for (let cut = from; cut < recording.entries.length; cut++) {
      const [before, next] = [must(recording.entries[cut - 1]), must(recording.entries[cut])]
      if (isOneWith(next, before)) continue
      const store = await recording.cut(cut, clock)
      const left = await new PersistentCodeAgent({
        store,
        tools: [look],
        model: listeningModel(script).model,
        typeCheck: false,
      }).resume()
      const open = left.questions[0]
      if (open !== undefined) await left.answer(open.id, { type: 'respond', value: 1 })
      expect(output(await goOn(left)), `cut after ${before.kind}`).toEqual(whole)
    }
  })

  test('a call that waits for an approval is refused with its tool; one that was sent holds it', async () => {
    const store = memoryStore()
    const sell = tool({
      name: 'sell',
      description: 'Sells',
      needsApproval: true,
      execute: async () => 'sold',
    })
    const selling = [
      'let said = "sold"\ntry { await sell({}) } catch (error) { said = error.message }\nfinalAnswer(said)',
    ]
    await agentOf({ store, tools: [sell], script: selling, typeCheck: false }).run('Sell')
    const given = { store, model: listeningModel(selling).model, tools: [], typeCheck: false }
    const other = await new PersistentCodeAgent(given).resume({ revoke: ['sell'] })
    expect(output(await goOn(other))).toBe('sell was taken away from this run')
    const both = new PersistentCodeAgent({ ...given, tools: [sell] })
    await expect(both.resume({ revoke: ['sell'] })).rejects.toThrow('is to be taken away, and is given')

    const slow = new HandTool('slow')
    const sent = { store: memoryStore(), script: ['await slow({ n: 1 })'] }
    const run = await agentOf({ ...sent, tools: [slow.tool], pauseGrace: 0 }).start('Wait')
    await slow.begun(1)
    await run.pause()
    await run.result()
    const left = await agentOf(sent).resume({ revoke: ['slow'] })
    await expect(goOn(left)).rejects.toThrow('A call of slow (1.1) has been sent')
    slow.settle(1)
  })

  test('steps and model: the new ones count from here on', async () => {
    const store = memoryStore()
    const steps = ['1', '2', '3', 'finalAnswer(4)']
    const first = await agentOf({ store, maxSteps: 2, onLimit: 'pause', script: steps }).run('Count')
    expect(first.status).toBe('paused')
    const { model, calls } = listeningModel(steps)
    const other = await new PersistentCodeAgent({
      store,
      maxSteps: 50,
      model: { ...model, modelId: 'other' },
    }).resume()
    expect(output(await goOn(other))).toBe(4)
    expect(calls).toHaveLength(2)
    expect(await entriesOf(store, first.runId, 'options-changed')).toMatchObject([
      { options: { maxSteps: 50 }, model: 'scripted/other' },
    ])
  })
})
