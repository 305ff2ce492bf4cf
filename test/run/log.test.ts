/** A run's journal in its driver's hand: whole commits, in order, or an end (L1–L3). */
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../src/base/codec.ts'
import { LeaseLostError } from '../../src/base/errors.ts'
import { digestOf } from '../../src/base/id.ts'
import { recover } from '../../src/run/recover.ts'
import { readBlob } from '../../src/run/blob.ts'
import { openQuestions } from '../../src/run/result.ts'
import { NOON, RUN } from '../agent/play.ts'
import { approval, logOf, request, say, shelf } from './shelf.ts'

describe('record', () => {
  test('folds at once, and writes nothing yet', async () => {
    const at = await shelf()
    const log = logOf(at)
    log.record([say('a'), say('b')])
    expect([log.state.seq, log.durableSeq, log.dirty]).toEqual([4, 2, true])
    expect(at.writes).toEqual([])
    expect((await at.store.run(RUN))?.lastSeq).toBe(2)
  })

  test('never goes back in time, though the clock does', async () => {
    const at = await shelf()
    const log = logOf(at)
    at.clock.now = NOON + 1_000
    log.record([say('a')])
    at.clock.now = NOON + 10
    expect(log.record([say('b')])[0]?.at).toBe(NOON + 1_000)
  })
})

describe('a commit', () => {
  test('is one append for all that was recorded since the last one', async () => {
    const at = await shelf()
    const log = logOf(at)
    log.record([say('a')])
    log.record([say('b'), request('1.1', '[1]')])
    log.consume(['k1', 'k2'])
    await log.flush()
    expect(at.writes).toHaveLength(1)
    expect(at.writes[0]).toMatchObject({ expectedSeq: 2, consumed: ['k1', 'k2'] })
    expect(at.writes[0]?.entries.map((row) => row.seq)).toEqual([3, 4, 5])
    expect(log.dirty).toBe(false)
  })

  test('with nothing to say is none', async () => {
    const at = await shelf()
    await logOf(at).flush()
    expect(at.writes).toEqual([])
  })

  test('is what recovery folds to', async () => {
    const at = await shelf()
    const log = logOf(at)
    log.record([say('a'), request('1.1', '[1]'), approval('1.1')])
    await log.flush()
    expect((await recover(at.store, RUN)).state).toEqual(log.state)
  })

  test('while another is under way comes after it, and what is recorded meanwhile goes with it', async () => {
    const gate = Promise.withResolvers<undefined>()
    const at = await shelf((store) => ({
      append: async (lease, write) => {
        if (write.expectedSeq === 2) await gate.promise
        return store.append(lease, write)
      },
    }))
    const log = logOf(at)
    log.record([say('a')])
    const first = log.flush()
    await new Promise((resolve) => setImmediate(resolve))
    log.record([say('b')])
    const second = log.flush()
    log.record([say('c')])
    gate.resolve(undefined)
    await Promise.all([first, second])
    expect(at.writes.map((write) => write.entries.map((row) => row.seq))).toEqual([[3], [4, 5]])
  })

  test('tells who watches, after it is durable and not before', async () => {
    const at = await shelf()
    const log = logOf(at)
    const heard: number[] = []
    log.onCommitted((entries) => heard.push(...entries.map((entry) => entry.seq)))
    log.record([say('a'), say('b')])
    expect(heard).toEqual([])
    await log.flush()
    expect(heard).toEqual([3, 4])
  })
})

describe('a commit that fails', () => {
  test('ends the driving: neither it nor what comes after it is acknowledged', async () => {
    let appends = 0
    const at = await shelf((store) => ({
      append: async (lease, write) => {
        if (++appends === 3) throw new Error('disk full')
        return store.append(lease, write)
      },
    }))
    const log = logOf(at)
    const heard: number[] = []
    log.onCommitted((entries) => heard.push(...entries.map((entry) => entry.seq)))
    for (const text of ['a', 'b']) {
      log.record([say(text)])
      await log.flush()
    }
    log.record([say('c')])
    await expect(log.flush()).rejects.toThrow('disk full')
    log.record([say('d')])
    await expect(log.flush()).rejects.toThrow('disk full')
    expect(heard).toEqual([3, 4])
    expect((await recover(at.store, RUN)).state.seq).toBe(4)
  })

  test('only in its reply is recognised, and the driving goes on', async () => {
    let lost = true
    const at = await shelf((store) => ({
      append: async (lease, write) => {
        await store.append(lease, write)
        if (!lost) return
        lost = false
        throw new Error('connection reset')
      },
    }))
    const log = logOf(at)
    log.record([say('a')])
    await log.flush()
    log.record([say('b')])
    await log.flush()
    expect((await recover(at.store, RUN)).state).toEqual(log.state)
  })

  test('and whose fate the store cannot tell is one that failed, with its own error', async () => {
    const at = await shelf(() => ({
      append: async () => Promise.reject(new Error('connection reset')),
      committed: async () => Promise.reject(new Error('still away')),
    }))
    const log = logOf(at)
    log.record([say('a')])
    await expect(log.flush()).rejects.toThrow('connection reset')
  })

  test('because another driver has the run says so', async () => {
    const at = await shelf()
    const log = logOf(at)
    await at.store.release(at.lease)
    await at.store.claim(RUN, { holder: 'you', isDead: () => false }, 60_000)
    log.record([say('a')])
    await expect(log.flush()).rejects.toThrow(LeaseLostError)
    expect((await at.store.run(RUN))?.lastSeq).toBe(2)
  })

  test('because its lease has run out says so, though nobody took it', async () => {
    const at = await shelf()
    const log = logOf(at)
    at.clock.now += 60_001
    log.record([say('a')])
    await expect(log.flush()).rejects.toThrow(LeaseLostError)
  })
})

describe('large text', () => {
  const large = encode('x'.repeat(40_000))

  test('is a blob of the commit of its entry, small text stands in place', async () => {
    const at = await shelf()
    const log = logOf(at)
    expect(log.stow('x'.repeat(32_768))).toBe('x'.repeat(32_768))
    const stored = log.stow(large)
    expect(stored).toEqual({ blob: digestOf(large), size: large.length })
    log.record([say('see the blob')])
    await log.flush()
    expect(at.writes[0]?.blobs.map((blob) => blob.digest)).toEqual([digestOf(large)])
    expect(await readBlob(at.store, RUN, digestOf(large))).toBe(large)
    expect(await logOf(at).text(stored)).toBe(large)
  })

  test('that another process wrote must be read before it is rendered', async () => {
    const at = await shelf()
    const first = logOf(at)
    const stored = first.stow(large)
    first.record([say('see the blob')])
    await first.flush()
    const log = logOf({ ...at, ...(await recover(at.store, RUN)) })
    expect(() => log.textNow(stored)).toThrow(TypeError)
    await log.text(stored)
    expect(log.textNow(stored)).toBe(large)
  })

  test('that is missing or damaged is refused', async () => {
    const at = await shelf()
    const log = logOf(at)
    await expect(log.text({ blob: 'ab'.repeat(32), size: 1 })).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
    })
    const stored = log.stow(large)
    log.record([say('x')])
    await log.flush()
    const damaged = {
      ...at.store,
      blob: async (runId: string, digest: string) => {
        const row = await at.store.blob(runId, digest)
        if (row !== undefined) row.payload[100] = 0
        return row
      },
    }
    await expect(logOf({ ...at, store: damaged }).text(stored)).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
    })
  })

  test('of other alphabets comes back as it was', async () => {
    const at = await shelf()
    const log = logOf(at)
    const text = encode('\ud83d\ude80é\u0000\ud800'.repeat(9_000))
    const stored = log.stow(text)
    log.record([say('x')])
    await log.flush()
    expect(decode(await logOf(at).text(stored))).toEqual(decode(text))
  })
})

describe('questions (P9)', () => {
  test('show the very bytes that the tool will get, and the schema of an edit', async () => {
    const at = await shelf()
    const log = logOf(at)
    const input = encode({ amount: 100, when: new Date(NOON) })
    log.record([request('1.1', input), approval('1.1')])
    await log.flush()
    const [row] = await at.store.questions({})
    expect(JSON.parse(row?.call ?? '{}')).toEqual({
      tool: 'pay',
      id: '1.1',
      args: input,
      digest: `digest of ${input.length}`,
    })
    expect(row?.argsSchema).toBe('{"type":"object"}')
    const [question] = await openQuestions(at.store, RUN)
    expect(question?.call?.args).toEqual({ amount: 100, when: new Date(NOON) })
  })

  test('show large arguments whole, in the process that validated them and in another', async () => {
    const at = await shelf()
    const log = logOf(at)
    const input = encode('y'.repeat(50_000))
    const stored = log.stow(input)
    log.record([{ ...request('1.1', ''), input: stored } as ReturnType<typeof request>])
    await log.flush()
    const later = logOf({ ...at, ...(await recover(at.store, RUN)) })
    later.record([approval('1.1')])
    await later.flush()
    const [question] = await openQuestions(at.store, RUN)
    expect(question?.call?.args).toBe('y'.repeat(50_000))
  })

  test('of the guest itself show no call', async () => {
    const at = await shelf()
    const log = logOf(at)
    log.record([
      request('1.1', '[1]', '$ask'),
      { ...approval('1.1'), asks: 'input' } as ReturnType<typeof approval>,
    ])
    await log.flush()
    expect((await at.store.questions({}))[0]).not.toHaveProperty('call')
  })

  test('are asked once and closed once, however many commits follow', async () => {
    const at = await shelf()
    const log = logOf(at)
    const answered = { kind: 'question-answered', question: 'q_1.1', decision: { type: 'approve' } } as const
    for (const facts of [[request('1.1', '[1]'), approval('1.1')], [say('a')], [answered], [say('b')]]) {
      log.record(facts)
      await log.flush()
    }
    expect(at.writes.map(({ asked, closed }) => [asked.map((row) => row.id), closed])).toEqual([
      [['q_1.1'], []],
      [[], []],
      [[], ['q_1.1']],
      [[], []],
    ])
  })

  test('asked and closed in one commit are never shown', async () => {
    const at = await shelf()
    const log = logOf(at)
    log.record([
      request('1.1', '[1]'),
      approval('1.1'),
      { kind: 'call-withdrawn', call: '1.1', why: 'ended' },
    ])
    await log.flush()
    expect(at.writes[0]).toMatchObject({ asked: [], closed: [] })
  })

  test('in the store are those of the fold after every commit, also in another process', async () => {
    const at = await shelf()
    const steps = [
      [request('1.1', '[1]'), approval('1.1')],
      [request('1.2', '[2]'), approval('1.2')],
      [{ kind: 'question-answered', question: 'q_1.1', decision: { type: 'approve' } }],
      [{ kind: 'run-stopped', message: 'enough' }],
    ] as const
    let from = at
    for (const facts of steps) {
      const log = logOf(from)
      log.record(facts)
      await log.flush()
      const open = (await at.store.questions({})).map((row) => row.id)
      expect(open.toSorted()).toEqual(Object.keys(log.state.questions).toSorted())
      from = { ...at, ...(await recover(at.store, RUN)) }
    }
  })
})
