/** From the store to where a run stands: everything that is read is verified, and nothing is written (R1–R3). */
import { describe, expect, test } from 'vitest'
import { ENTRY_VERSION, type Fact } from '../../src/journal/entry.ts'
import { GENESIS } from '../../src/journal/envelope.ts'
import type { CheckpointRow, EntryRow, HeapLink, Store } from '../../src/journal/store.ts'
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
const link = (position: number, text = `heap at ${position}`): HeapLink => ({
  position,
  payload: new Uint8Array(Buffer.from(text)),
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
        if (index === cut) log.keep({ links: [link(3)], place: { position: 3 } })
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
    log.keep({ links: [link(40)], place: { position: 40 } })
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
    expect(recovered.heap?.place.position).toBe(40)
  })

  test('a heap that is older than the state still hears all that it has not heard', async () => {
    const at = await shelf()
    const log = await written(at, [started(1)], [say('a'), say('b')])
    log.keep({ links: [link(3)], place: { position: 3, step: 1 } })
    log.record([say('c')])
    await log.flush()
    const { heap: found, state } = await recover(at.store, RUN)
    expect(found?.past.map((entry) => entry.seq)).toEqual([4, 5, 6])
    expect(found?.place).toEqual({ position: 3, step: 1 })
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
      links: [link(2), link(3, 'the start of step 2'), link(5)],
      place: {
        position: 5,
        step: 2,
        lastCall: '2.1',
        start: { position: 3, lastCall: '1.4', links: 2 },
      },
    })
    log.record([killed(2)])
    await log.flush()
    const { heap: found } = await recover(at.store, RUN)
    expect(found?.open()).toEqual([link(2), link(3, 'the start of step 2')])
    expect(found?.place).toEqual({ position: 3, lastCall: '1.4' })
    expect(found?.past.map((entry) => entry.kind)).toEqual(['step-ended', 'step-started', 'step-killed'])
  })

  test("inside a step that was killed, without the step's start, is left alone: replay", async () => {
    const at = await shelf()
    const log = await written(at, [started(1)])
    log.keep({ links: [link(3)], place: { position: 3, step: 1 } })
    log.record([killed(1)])
    await log.flush()
    expect((await recover(at.store, RUN)).heap).toBeUndefined()
  })

  test('inside a step that ended stays, whatever was killed later', async () => {
    const at = await shelf()
    const log = await written(at, [started(1)])
    log.keep({ links: [link(3)], place: { position: 3, step: 1 } })
    log.record([ended(1), started(2), killed(2)])
    await log.flush()
    expect((await recover(at.store, RUN)).heap?.place.position).toBe(3)
  })

  for (const damaged of [0, 1, 2]) {
    test(`with a damaged link (${damaged} of 3) is none: replay, and the state stands`, async () => {
      const at = await shelf()
      const log = await written(at, [started(1)])
      log.keep({ links: [link(1), link(2), link(3)], place: { position: 3, step: 1 } })
      log.record([say('a')])
      await log.flush()
      const store = checkpointed(at.store, (row) => ({
        ...row,
        links: row.links.map((one, index) =>
          index === damaged ? { ...one, payload: flipped(one.payload) } : one,
        ),
      }))
      const recovered = await recover(store, RUN)
      expect(() => recovered.heap?.open()).toThrow(corrupt)
      expect(recovered.state).toEqual(log.state)
    })
  }

  test('of another place is none', async () => {
    const at = await shelf()
    const log = await written(at, [started(1)])
    log.keep({ links: [link(3)], place: { position: 3, step: 1 } })
    log.record([say('a')])
    await log.flush()
    const moved = checkpointed(at.store, (row) => ({
      ...row,
      links: row.links.map((one) => ({ ...one, position: 2 })),
    }))
    const { heap } = await recover(moved, RUN)
    expect(() => heap?.open()).toThrow(corrupt)
  })

  test('is written link by link: what the store holds is not written again', async () => {
    const at = await shelf()
    const log = logOf(at)
    const [one, two, three, four] = [link(1), link(2), link(3), link(3, 'another')]
    const written: unknown[] = []
    const { append } = at.store
    Object.assign(at.store, {
      append: async (...args: Parameters<Store['append']>) => {
        const { checkpoint } = args[1]
        if (typeof checkpoint === 'object') written.push([checkpoint.kept, checkpoint.links.length])
        return append(...args)
      },
    })
    for (const links of [[one, two], [one, two], [one, two, three], [one, four], [link(1)]]) {
      log.record([say('more')])
      log.keep({ links: [one, two, three], place: { position: 3 } })
      log.keep({ links, place: { position: 3 } })
      await log.flush()
      expect((await recover(at.store, RUN)).heap?.open()).toEqual(links)
    }
    expect(written).toEqual([
      [0, 2],
      [2, 0],
      [2, 1],
      [1, 1],
      [0, 1],
    ])
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
    log.keep({ links: [link(3)], place: { position: 3 } })
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
    log.keep({ links: [link(3)], place: { position: 3, step: 1 } })
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
