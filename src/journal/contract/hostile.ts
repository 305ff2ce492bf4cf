/** Rules for what an enemy, or bad luck, sends: kept verbatim, or refused with a typed error. */
import assert from 'node:assert/strict'
import { isPersistentAgentError } from '../../base/errors.ts'
import type { Store } from '../store.ts'
import {
  answer,
  claimant,
  driven,
  entry,
  MINUTE,
  newRun,
  question,
  rule,
  RUN,
  seen,
  view,
  write,
} from './kit.ts'
import type { Rule } from './kit.ts'

const names: readonly (readonly [string, string])[] = [
  ['SQL', `' OR 1=1--`],
  ['SQL that ends a statement', `x'; DROP TABLE runs; --`],
  ['LIKE wildcards', '%_%'],
  ['NUL', 'a\0b'],
  ['a path', '../../etc/passwd'],
  ['__proto__', '__proto__'],
  ['a lone surrogate', 'a\ud800b'],
  ['10 kB', 'x'.repeat(10_240)],
  ['nothing', ''],
  ['a number', '1e3'],
  ['right-to-left marks', '\u202eevil\u202c'],
]

const texts = [
  '\0',
  'a\0b',
  '\ud800',
  '\udc00\ud800',
  '\u2028',
  '\ufeffx',
  '{"__proto__":1}',
  `';--`,
  '',
  '\uffff',
]

/** False if it was refused with a typed error; any other error is a breach. */
async function accepted(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    assert.ok(isPersistentAgentError(error), `not typed: ${String(error)}`)
    return false
  }
}

/** Does with `name` for a run all that can be done with it. */
async function live(store: Store, name: string): Promise<void> {
  const lease = await store.claim(name, claimant('ann'), MINUTE)
  await store.append(lease, write(lease, 1, { asked: [question('q', 1, { runId: name })] }))
  assert.deepEqual(await store.signal(name, 'q', answer('q', 1)), { accepted: true })
  assert.equal((await store.run(name))?.runId, name)
  assert.deepEqual((await store.read(name, 0, 10)).length, 2)
  assert.equal((await store.signals(name)).length, 1)
  await store.release(lease)
  assert.deepEqual(await store.due(claimant('bob'), 10), [name])
}

export const hostile: readonly Rule[] = [
  ...names.map(([what, name]) =>
    rule(`hostile: a run named by ${what}`, async (store) => {
      const lease = await driven(store)
      const before = await seen(store)
      if (await accepted(store.create(newRun(name), [entry(1, 0)], []))) await live(store, name)
      else assert.equal(await store.run(name), undefined)
      assert.deepEqual(await seen(store), before)
      await store.remove(name)
      assert.equal(await store.run(name), undefined)
      assert.deepEqual(await seen(store), before)
      await store.append(lease, write(lease, 1))
    }),
  ),
  ...names.map(([what, name]) =>
    rule(`hostile: question, key, nonce, blob and agent named by ${what}`, async (store) => {
      const lease = await driven(store)
      const asked = [question(name, 1)]
      if (await accepted(store.append(lease, write(lease, 1, { asked })))) {
        assert.deepEqual(await store.questions({ id: name }), asked)
        assert.deepEqual(await store.signal(RUN, name, answer(name, 1)), { accepted: true })
        assert.equal((await store.signals(RUN))[0]?.key, name)
      }
      const after = (await store.run(RUN))?.lastSeq ?? 0
      const blobs = [{ digest: name, payload: entry(1, 0).payload, keyId: '' }]
      const change = write(lease, after, { nonce: name, blobs, consumed: [name], closed: [name] })
      if (await accepted(store.append(lease, change))) {
        assert.equal(await store.committed(lease, name), true)
        assert.deepEqual(await store.blob(RUN, name), blobs[0])
        assert.deepEqual(await store.signals(RUN), [])
      }
      if (await accepted(store.create(newRun('other', { agent: name }), [], []))) {
        assert.deepEqual(
          (await store.runs({ agent: name }, 10)).map((run) => run.agent),
          [name],
        )
      }
    }),
  ),
  rule('hostile: any bytes of a payload come back', async (store) => {
    const lease = await driven(store)
    const every = Uint8Array.from({ length: 256 }, (_, index) => index)
    const payloads = [
      new Uint8Array(0),
      every,
      new Uint8Array(300_000).fill(39),
      Buffer.from(`'); DROP TABLE entries;--`),
    ]
    await store.append(
      lease,
      write(lease, 1, { entries: payloads.map((payload, index) => entry(index + 2, 1, { payload })) }),
    )
    const rows = await store.read(RUN, 1, 10)
    for (const [index, payload] of payloads.entries())
      assert.deepEqual(rows[index]?.payload, new Uint8Array(payload))
  }),
  rule('hostile: any text of a task, a message, a signal comes back', async (store) => {
    const lease = await driven(store)
    for (const [index, text] of texts.entries()) {
      const asked = question(`q${index}`, index, {
        message: text,
        call: text,
        schema: text,
        argsSchema: text,
      })
      await store.append(lease, write(lease, index + 1, { asked: [asked], view: view({ task: text }) }))
      assert.equal((await store.run(RUN))?.task, text)
      assert.deepEqual(await store.questions({ id: `q${index}` }), [asked])
      await store.signal(RUN, `k${index}`, { kind: 'say', text })
      assert.deepEqual((await store.signals(RUN))[index]?.signal, { kind: 'say', text })
    }
  }),
  rule('hostile: an answer keeps a `__proto__` of its own', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { asked: [question('q', 1)] }))
    const value: unknown = Object.defineProperty({}, '__proto__', {
      value: { isAdmin: true },
      enumerable: true,
    })
    await store.signal(RUN, 'q', answer('q', value))
    const [row] = await store.signals(RUN)
    assert.ok(row?.signal.kind === 'answer' && row.signal.decision.type === 'respond')
    assert.equal(JSON.stringify(row.signal.decision.value), '{"__proto__":{"isAdmin":true}}')
    assert.equal(Object.getPrototypeOf(row.signal.decision.value), Object.prototype)
  }),
]
