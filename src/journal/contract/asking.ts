/** Rules of signals and questions: acknowledged once, answered once (T4), consumed once. */
import assert from 'node:assert/strict'
import type { Rule as Remembered, Signal, Store } from '../store.ts'
import { answer, driven, question, refused, rule, RUN, seen, view, waiting, write } from './kit.ts'
import type { Rule } from './kit.ts'

const pause: Signal = { kind: 'pause', reason: 'supper' }
const OF_RUN: Remembered = {
  scope: 'run',
  says: 'approve',
  agent: 'sailor',
  rootRunId: RUN,
  tool: 'pay',
  declaration: 'd',
}

function remembered(id: string, made: Remembered = OF_RUN): Signal {
  return { kind: 'answer', question: id, decision: { type: 'approve' }, rule: made }
}

export const signalling: readonly Rule[] = [
  rule('signal: they are read in the order of arrival', async (store, clock) => {
    await driven(store)
    const sent: Signal[] = [
      pause,
      { kind: 'say', text: 'ahoy', by: 'eve' },
      { kind: 'resume' },
      { kind: 'stop', reason: 'fog' },
    ]
    for (const [index, signal] of sent.entries()) {
      assert.deepEqual(await store.signal(RUN, `key-${9 - index}`, signal), { accepted: true })
    }
    const at = clock.now()
    assert.deepEqual(
      await store.signals(RUN),
      sent.map((signal, index) => ({ key: `key-${9 - index}`, at, signal })),
    )
  }),
  rule('signal: no such run', async (store) => {
    await refused(store.signal('nowhere', 'k', pause), 'STATE_NOT_FOUND')
    assert.deepEqual(await store.signals('nowhere'), [])
  }),
  rule('signal: a key is taken once; its first signal stands', async (store) => {
    await driven(store)
    await store.signal(RUN, 'k', pause)
    assert.deepEqual(await store.signal(RUN, 'k', { kind: 'resume' }), {
      accepted: false,
      why: 'taken',
      winner: pause,
    })
    assert.deepEqual(await store.signal(RUN, 'k', pause), { accepted: false, why: 'taken', winner: pause })
    assert.equal((await store.signals(RUN)).length, 1)
  }),
  rule('signal: a key is one run’s own', async (store) => {
    await driven(store)
    await driven(store, 'bob', 'run-2')
    assert.deepEqual(await store.signal(RUN, 'k', pause), { accepted: true })
    assert.deepEqual(await store.signal('run-2', 'k', pause), { accepted: true })
  }),
  rule('signal: it is consumed in the transaction of the append, or not at all', async (store) => {
    const lease = await driven(store)
    await store.signal(RUN, 'k1', pause)
    await store.signal(RUN, 'k2', { kind: 'resume' })
    await refused(store.append(lease, write(lease, 7, { consumed: ['k1'] })), 'LEASE_LOST')
    assert.equal((await store.signals(RUN)).length, 2)
    await store.append(lease, write(lease, 1, { consumed: ['k1'] }))
    assert.deepEqual(
      (await store.signals(RUN)).map((row) => row.key),
      ['k2'],
    )
  }),
  rule(
    'rule: it stands from the commit that accepts its answer, and nobody reads it as a signal',
    async (store, clock) => {
      await waiting(store, [question('q', 1), question('r', 2)])
      assert.deepEqual(await store.signal(RUN, 'q', remembered('q')), { accepted: true })
      assert.deepEqual(await store.signal(RUN, 'r', answer('r', 1)), { accepted: true })
      const row = { runId: RUN, question: 'q', at: clock.now(), rule: OF_RUN }
      assert.deepEqual(await store.rules({}), [row])
      assert.deepEqual(
        (await store.signals(RUN)).map((one) => one.key),
        ['q', 'r'],
      )
      // What is refused makes none.
      assert.equal((await store.signal(RUN, 'q', remembered('q'))).accepted, false)
      assert.equal((await store.signal(RUN, 'x', remembered('x'))).accepted, false)
      assert.deepEqual(await store.rules({}), [row])
    },
  ),
  rule('rule: found by agent and family', async (store) => {
    await waiting(store, [question('q', 1), question('r', 2)])
    await store.signal(RUN, 'q', remembered('q'))
    await store.signal(RUN, 'r', remembered('r', { ...OF_RUN, scope: 'agent' }))
    const found = async (filter: Parameters<Store['rules']>[0]): Promise<readonly string[]> =>
      (await store.rules(filter)).map((row) => row.question)
    assert.deepEqual(await found({ agent: 'sailor', rootRunId: RUN }), ['q', 'r'])
    assert.deepEqual(await found({ agent: 'sailor', rootRunId: 'other' }), ['r'])
    assert.deepEqual(await found({ agent: 'pirate', rootRunId: RUN }), [])
  }),
  rule('rule: withdrawn it stands no more; that may be repeated', async (store) => {
    await waiting(store, [question('q', 1)])
    await store.signal(RUN, 'q', remembered('q'))
    assert.equal(await store.withdraw(RUN, 'other'), false)
    assert.equal(await store.withdraw(RUN, 'q'), true)
    assert.deepEqual(await store.rules({}), [])
    assert.equal(await store.withdraw(RUN, 'q'), true)
    // The answer stands as it was given.
    assert.deepEqual((await store.signals(RUN))[0]?.signal, remembered('q'))
  }),
  rule('rule: it leaves with its run', async (store) => {
    await waiting(store, [question('q', 1)])
    await store.signal(RUN, 'q', remembered('q', { ...OF_RUN, scope: 'agent' }))
    await store.remove(RUN)
    assert.deepEqual(await store.rules({}), [])
  }),
  rule('signal: a consumed key stays taken', async (store) => {
    const lease = await driven(store)
    await store.signal(RUN, 'k1', pause)
    await store.append(lease, write(lease, 1, { consumed: ['k1'] }))
    assert.deepEqual(await store.signal(RUN, 'k1', pause), { accepted: false, why: 'taken', winner: pause })
  }),
]

export const asking: readonly Rule[] = [
  rule('questions: open ones, oldest first, as they were written', async (store) => {
    const full = question('q2', 5, {
      kind: 'input',
      call: '{}',
      schema: '{"type":"string"}',
      argsSchema: 'true',
      expiresAt: 9e12,
    })
    await waiting(store, [question('q3', 9), full, question('q1', 7)])
    assert.deepEqual(await store.questions({}), [full, question('q1', 7), question('q3', 9)])
    assert.deepEqual(await store.questions({ id: 'q1' }), [question('q1', 7)])
    assert.deepEqual(await store.questions({ runId: 'nowhere' }), [])
    assert.equal((await store.questions({ runId: RUN, id: 'q3' })).length, 1)
  }),
  rule('questions: closed ones are not open', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { asked: [question('q1', 1), question('q2', 2)] }))
    await store.append(lease, write(lease, 2, { closed: ['q1'] }))
    assert.deepEqual(
      (await store.questions({})).map((row) => row.id),
      ['q2'],
    )
  }),
  rule('questions: a second one of the same id is refused', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { asked: [question('q1', 1)] }))
    const before = await seen(store)
    await refused(store.append(lease, write(lease, 2, { asked: [question('q1', 2)] })), 'USAGE')
    assert.deepEqual(await seen(store), before)
  }),
  rule('questions: one of another run is refused', async (store) => {
    const lease = await driven(store)
    const asked = [question('q1', 1, { runId: 'run-2' })]
    await refused(store.append(lease, write(lease, 1, { asked })), 'USAGE')
  }),
  rule('answer: it is accepted, and its question is open no more', async (store) => {
    await waiting(store, [question('q1', 1), question('q2', 2)])
    assert.deepEqual(await store.signal(RUN, 'q1', answer('q1', 'yes')), { accepted: true })
    assert.deepEqual(
      (await store.questions({})).map((row) => row.id),
      ['q2'],
    )
    assert.deepEqual(
      (await store.signals(RUN)).map((row) => row.signal),
      [answer('q1', 'yes')],
    )
  }),
  rule('answer: of many at once exactly one is accepted, and all others learn which (T4)', async (store) => {
    await waiting(store, [question('q1', 1)])
    const receipts = await Promise.all(
      [0, 1, 2, 3, 4].map((value) => store.signal(RUN, 'q1', answer('q1', value))),
    )
    const winners = receipts.filter((receipt) => receipt.accepted)
    assert.equal(winners.length, 1)
    const [standing] = await store.signals(RUN)
    for (const receipt of receipts) {
      if (!receipt.accepted)
        assert.deepEqual(receipt, { accepted: false, why: 'taken', winner: standing?.signal })
    }
  }),
  rule('answer: another key does not make it a second answer (T4)', async (store) => {
    await waiting(store, [question('q1', 1)])
    await store.signal(RUN, 'q1', answer('q1', 'yes'))
    const late = await store.signal(RUN, 'other key', answer('q1', 'no'))
    assert.deepEqual(late, { accepted: false, why: 'taken', winner: answer('q1', 'yes') })
    assert.equal((await store.signals(RUN)).length, 1)
  }),
  rule('answer: to no question', async (store) => {
    await waiting(store, [question('q1', 1)])
    assert.deepEqual(await store.signal(RUN, 'q9', answer('q9', 1)), { accepted: false, why: 'unknown' })
    assert.deepEqual(await store.signals(RUN), [])
  }),
  rule('answer: to a question of another run', async (store) => {
    await waiting(store, [question('q1', 1)])
    await driven(store, 'bob', 'run-2')
    assert.deepEqual(await store.signal('run-2', 'q1', answer('q1', 1)), { accepted: false, why: 'unknown' })
  }),
  rule('answer: too late by the store’s clock', async (store, clock) => {
    const expiresAt = clock.now() + 100
    await waiting(store, [question('q1', 1, { expiresAt }), question('q2', 1, { expiresAt })])
    clock.advance(99)
    assert.deepEqual(await store.signal(RUN, 'q1', answer('q1', 1)), { accepted: true })
    clock.advance(1)
    assert.deepEqual(await store.signal(RUN, 'q2', answer('q2', 1)), { accepted: false, why: 'expired' })
    assert.equal((await store.signals(RUN)).length, 1)
    const again = await store.signal(RUN, 'q1', answer('q1', 1))
    assert.deepEqual(again, { accepted: false, why: 'taken', winner: answer('q1', 1) })
  }),
  rule('answer: to a question that was closed without one', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { asked: [question('q1', 1)] }))
    await store.append(lease, write(lease, 2, { closed: ['q1'] }))
    assert.deepEqual(await store.signal(RUN, 'q1', answer('q1', 1)), { accepted: false, why: 'closed' })
  }),
  rule('answer: to a question that was answered, consumed and closed, tells the winner', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { asked: [question('q1', 1)] }))
    await store.signal(RUN, 'q1', answer('q1', 'yes'))
    await store.append(
      lease,
      write(lease, 2, { closed: ['q1'], consumed: ['q1'], view: view({ stepCount: 1 }) }),
    )
    for (const key of ['q1', 'another']) {
      const receipt = await store.signal(RUN, key, answer('q1', 'no'))
      assert.deepEqual(receipt, { accepted: false, why: 'taken', winner: answer('q1', 'yes') })
    }
    assert.deepEqual(await store.signals(RUN), [])
  }),
]
