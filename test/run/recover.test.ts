/** From the store to where a run stands: everything that is read is verified, and nothing is written (R1–R3). */
import { describe, expect, test } from 'vitest'
import { ENTRY_VERSION, type Fact } from '../../src/journal/entry.ts'
import { GENESIS } from '../../src/journal/envelope.ts'
import type { CheckpointRow, EntryRow, Store } from '../../src/journal/store.ts'
import { chainAt, checkWhole, readEntries, readStory, recover } from '../../src/run/recover.ts'
import { RUN } from '../agent/play.ts'
import { logOf, say, shelf, type Shelf } from './shelf.ts'

const started = (step: number): Fact => ({ kind: 'step-started', step, source: 'code', program: '{}' })
const ended = (step: number): Fact => ({ kind: 'step-ended', step, printed: '', open: [] })
const killed = (step: number): Fact => ({
  kind: 'step-killed',
  step,
  reason: 'timeout',
  message: '',
  calls: '',
})
const heap = (position: number, text = `heap at ${position}`): { position: number; payload: Uint8Array } => ({
  position,
  payload: Buffer.from(text),
})

/** Writes the facts of each commit; `keep` keeps a checkpoint with the commit that it stands before. */
async function written(
  at: Shelf,
  ...commits: readonly (readonly Fact[])[]
): Promise<ReturnType<typeof logOf>> {
  const log = logOf(at)
  for (const facts of commits) {
    log.record(facts)
    await log.flush()
  }
  return log
}

function seen(store: Store): Promise<unknown> {
  return Promise.all([
    store.run(RUN),
    store.read(RUN, 0, 1_000),
    store.signals(RUN),
    store.questions({}),
    store.checkpoint(RUN),
  ])
}

/** A store whose rows are changed on their way out. */
function with_(store: Store, change: (row: EntryRow) => EntryRow | undefined): Store {
  return {
    ...store,
    read: async (...args) => (await store.read(...args)).flatMap((row) => change(row) ?? []),
  }
}

const corrupt = expect.objectContaining({ code: 'STATE_CORRUPT' })

describe('a checkpoint and the entries after it', () => {
  test('are the state of the whole journal, whenever it was taken', async () => {
    const commits = [[say('a')], [started(1)], [say('b'), ended(1)], [started(2)], [ended(2), say('c')]]
    for (const cut of commits.keys()) {
      const at = await shelf()
      const log = logOf(at)
      for (const [index, facts] of commits.entries()) {
        log.record(facts)
        if (index === cut) log.keep({ heap: heap(3), place: {} })
        await log.flush()
      }
      const { state, chain } = await recover(at.store, RUN)
      expect(state).toEqual(log.state)
      expect(chain).toEqual(await chainAt(at.store, RUN, state.seq))
      expect(await recover({ ...at.store, checkpoint: async () => undefined }, RUN)).toMatchObject({ state })
    }
  })

  test("are read from the heap's position on, nothing older", async () => {
    const at = await shelf()
    const log = await written(at, ...Array.from({ length: 50 }, (_, index) => [say(`${index}`)]))
    log.record([say('last')])
    log.keep({ heap: heap(40), place: {} })
    await log.flush()
    const read: number[] = []
    const watched: Store = {
      ...at.store,
      read: async (run, after, limit, narrative) => {
        read.push(after)
        return at.store.read(run, after, limit, narrative)
      },
    }
    const recovered = await recover(watched, RUN)
    expect(Math.min(...read)).toBe(39)
    expect(recovered.heap?.past.map((entry) => entry.seq)[0]).toBe(41)
    expect(recovered.heap?.position).toBe(40)
  })

  test('a heap that is older than the state still hears all that it has not heard', async () => {
    const at = await shelf()
    const log = await written(at, [started(1)], [say('a'), say('b')])
    log.keep({ heap: heap(3), place: { step: 1 } })
    log.record([say('c')])
    await log.flush()
    const { heap: found, state } = await recover(at.store, RUN)
    expect(found?.past.map((entry) => entry.seq)).toEqual([4, 5, 6])
    expect(found?.place).toEqual({ step: 1 })
    expect(state.seq).toBe(6)
  })

  test('over more entries than a page holds', async () => {
    const at = await shelf()
    await written(
      at,
      Array.from({ length: 2_500 }, (_, index) => say(`${index}`)),
    )
    expect((await recover(at.store, RUN)).state.seq).toBe(2_502)
    expect((await readEntries(at.store, RUN, 0, GENESIS)).entries).toHaveLength(2_502)
    expect((await readStory(at.store, RUN)).chapters).toHaveLength(2_501)
  })
})

describe('a heap', () => {
  test("inside a step that was killed after it gives way to the step's start", async () => {
    const at = await shelf()
    const log = await written(at, [started(1)], [ended(1)], [started(2)])
    log.keep({
      heap: heap(5),
      place: { step: 2, lastCall: '2.1', lastCallBefore: '1.4' },
      stepStart: heap(3, 'the start of step 2'),
    })
    log.record([killed(2)])
    await log.flush()
    const { heap: found } = await recover(at.store, RUN)
    expect(Buffer.from(found?.open()?.payload ?? []).toString()).toBe('the start of step 2')
    expect(found).toMatchObject({ position: 3, place: { lastCall: '1.4' } })
    expect(found?.past.map((entry) => entry.kind)).toEqual(['step-ended', 'step-started', 'step-killed'])
  })

  test("inside a step that was killed, without the step's start, is left alone: replay", async () => {
    const at = await shelf()
    const log = await written(at, [started(1)])
    log.keep({ heap: heap(3), place: { step: 1 } })
    log.record([killed(1)])
    await log.flush()
    expect((await recover(at.store, RUN)).heap).toBeUndefined()
  })

  test('inside a step that ended stays, whatever was killed later', async () => {
    const at = await shelf()
    const log = await written(at, [started(1)])
    log.keep({ heap: heap(3), place: { step: 1 } })
    log.record([ended(1), started(2), killed(2)])
    await log.flush()
    expect((await recover(at.store, RUN)).heap?.position).toBe(3)
  })

  for (const part of ['heap', 'stepStart'] as const) {
    test(`that is damaged (${part}) is none: replay, and the state stands`, async () => {
      const at = await shelf()
      const log = await written(at, [started(1)])
      log.keep({ heap: heap(3), place: { step: 1 }, stepStart: heap(2) })
      log.record([say('a')])
      await log.flush()
      const store = checkpointed(at.store, (row) => ({
        ...row,
        [part]: { ...row[part], payload: flipped(row[part]?.payload) },
      }))
      const recovered = await recover(store, RUN)
      expect(recovered.heap?.open()).toBeUndefined()
      expect(recovered.state).toEqual(log.state)
    })
  }

  test('of another place, or of another run, is none', async () => {
    const at = await shelf()
    const log = await written(at, [started(1)])
    log.keep({ heap: heap(3), place: { step: 1 } })
    log.record([say('a')])
    await log.flush()
    const moved = checkpointed(at.store, (row) => ({
      ...row,
      heap: { position: 2, payload: row.heap?.payload ?? new Uint8Array() },
    }))
    expect((await recover(moved, RUN)).heap?.open()).toBeUndefined()
  })
})

function checkpointed(store: Store, change: (row: CheckpointRow) => CheckpointRow): Store {
  return {
    ...store,
    checkpoint: async (run) => {
      const row = await store.checkpoint(run)
      return row === undefined ? undefined : change(row)
    },
  }
}

function flipped(bytes: Uint8Array = new Uint8Array()): Uint8Array {
  return bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte))
}

describe('state that is damaged, swapped or newer is refused, and nothing is written', () => {
  const changes: Readonly<Record<string, (row: EntryRow) => EntryRow | undefined>> = {
    'a missing entry': (row) => (row.seq === 4 ? undefined : row),
    'a missing first entry': (row) => (row.seq === 1 ? undefined : row),
    'a missing last entry': (row) => (row.seq === 6 ? undefined : row),
    'an entry of a flipped bit': (row) => (row.seq === 4 ? { ...row, payload: flipped(row.payload) } : row),
    'a wrong chain': (row) => (row.seq === 4 ? { ...row, chain: flipped(row.chain) } : row),
    'another time': (row) => (row.seq === 4 ? { ...row, at: row.at + 1 } : row),
    'another epoch': (row) => (row.seq === 4 ? { ...row, epoch: 9 } : row),
    'another kind': (row) => (row.seq === 4 ? { ...row, kind: 'run-stopped' } : row),
    'a newer version': (row) => (row.seq === 4 ? { ...row, v: ENTRY_VERSION + 1 } : row),
    'an unknown key': (row) => (row.seq === 4 ? { ...row, keyId: 'k' } : row),
  }
  test.each(Object.entries(changes))('%s', async (_, change) => {
    const at = await shelf()
    await written(at, [say('a'), say('b'), say('c'), say('d')])
    const before = await seen(at.store)
    await expect(recover(with_(at.store, change), RUN)).rejects.toThrow(corrupt)
    expect(await seen(at.store)).toEqual(before)
  })

  test('two rows swapped', async () => {
    const at = await shelf()
    await written(at, [say('a'), say('b')])
    const [third, fourth] = await at.store.read(RUN, 2, 2)
    const store = with_(at.store, (row) =>
      row.seq === 3 && fourth ? { ...fourth, seq: 3 } : row.seq === 4 && third ? { ...third, seq: 4 } : row,
    )
    await expect(recover(store, RUN)).rejects.toThrow(corrupt)
  })

  test('a run that a newer version wrote', async () => {
    const at = await shelf()
    const row = await at.store.run(RUN)
    const store: Store = {
      ...at.store,
      run: async () => (row === undefined ? undefined : { ...row, minReader: ENTRY_VERSION + 1 }),
    }
    await expect(recover(store, RUN)).rejects.toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT', hint: 'Update persistent-code-agent.' }),
    )
  })

  test('a checkpoint of a damaged state, or of another place', async () => {
    const at = await shelf()
    const log = await written(at, [say('a')])
    log.keep({ heap: heap(3), place: {} })
    log.record([say('b')])
    await log.flush()
    for (const change of [
      (row: CheckpointRow) => ({ ...row, state: flipped(row.state) }),
      (row: CheckpointRow) => ({ ...row, seq: row.seq + 1 }),
    ])
      await expect(recover(checkpointed(at.store, change), RUN)).rejects.toThrow(corrupt)
  })

  test('a checkpoint that was taken at another history', async () => {
    const at = await shelf()
    const log = await written(at, [started(1)], [say('a')])
    log.keep({ heap: heap(3), place: { step: 1 } })
    log.record([say('b')])
    await log.flush()
    const other = checkpointed(at.store, (row) => ({ ...row, chain: flipped(row.chain) }))
    await expect(recover(other, RUN)).rejects.toThrow(corrupt)
  })

  test('no run at all is another error', async () => {
    const at = await shelf()
    await expect(recover(at.store, 'nobody')).rejects.toMatchObject({ code: 'STATE_NOT_FOUND' })
  })
})

describe('the story', () => {
  test('up to an entry stops there', async () => {
    const at = await shelf()
    await written(at, [say('a'), say('b')])
    const { chapters } = await readStory(at.store, RUN, 3)
    expect(chapters.map((chapter) => chapter.kind)).toEqual(['task', 'said'])
  })

  test('with a damaged row is refused', async () => {
    const at = await shelf()
    await written(at, [say('a'), say('b')])
    const store = with_(at.store, (row) => (row.seq === 3 ? { ...row, payload: flipped(row.payload) } : row))
    await expect(readStory(store, RUN)).rejects.toThrow(corrupt)
  })

  // R20: a hole in the story is damage, wherever it is.
  test('with a missing row is refused', async () => {
    const at = await shelf()
    await written(
      at,
      [started(1)],
      [ended(1)],
      [{ kind: 'callbacks-ran', step: 1, index: 0, name: 'x' }],
      [say('a')],
    )
    const store = with_(at.store, (row) => (row.kind === 'step-ended' ? undefined : row))
    const { state } = await recover(at.store, RUN)
    checkWhole(await readStory(at.store, RUN), state)
    const story = await readStory(store, RUN)
    expect(() => checkWhole(story, state)).toThrow(corrupt)
  })
})
