/** Every part of the protocol is needed: without it, this is the shortest way to break a promise. */
import { expect, test } from 'vitest'
import { check, type Protocol } from './protocol.ts'

const ours: Protocol = {
  intent: true,
  durable: true,
  fence: true,
  unique: true,
  doubt: 'ask',
  quarantine: true,
  deadline: true,
  keyed: false,
}

test('it holds in every state: the effect at most once, one result', () => {
  const { states, broken } = check(ours)
  expect(broken).toBeUndefined()
  expect(states).toBeGreaterThan(400)
  expect(states).toBeLessThan(100_000)
})

test('a keyed tool needs neither the person nor the quarantine', () => {
  const keyed = { ...ours, keyed: true, doubt: 'send', quarantine: false, deadline: false } as const
  expect(check(keyed).broken).toBeUndefined()
})

test.each<readonly [string, Partial<Protocol>]>([
  ['the deadline before the effect, while the quarantine stands', { deadline: false }],
  ['the quarantine, while the sender looks at its deadline', { quarantine: false }],
  ['the unique result, while the fence stands', { unique: false }],
  ['the fence, while results are unique and senders look at their deadline', { fence: false }],
])('%s: one of the two is enough', (_without, change) => {
  expect(check({ ...ours, ...change }).broken).toBeUndefined()
})

const KILLED = ['worker 1 is killed', 'worker 1 takes the lease']

test.each<readonly [string, Partial<Protocol>, string, readonly string[]]>([
  [
    'an intent',
    { intent: false },
    'it happened twice',
    [
      'worker 1 takes the lease',
      'worker 1 begins',
      'worker 1 sends: it happens',
      ...KILLED,
      'worker 1 begins',
      'worker 1 sends: it happens',
    ],
  ],
  [
    'a person who is asked',
    { doubt: 'send' },
    'it happened twice',
    [
      'worker 1 takes the lease',
      'worker 1 writes its intent',
      'worker 1 sends: it happens',
      ...KILLED,
      'worker 1 sends it again',
      'worker 1 sends: it happens',
    ],
  ],
  [
    'an intent that survives the loss of power',
    { durable: false },
    'it happened twice',
    [
      'worker 1 takes the lease',
      'worker 1 writes its intent',
      'worker 1 sends: it happens',
      'the power fails',
      'worker 1 takes the lease',
      'worker 1 writes its intent',
      'worker 1 sends: it happens',
    ],
  ],
  [
    'fence and unique result',
    { fence: false, unique: false, deadline: false },
    'two results were accepted',
    [
      'worker 1 takes the lease',
      'worker 1 is stopped',
      'worker 2 takes the lease',
      'worker 1 goes on',
      'worker 1 writes its intent',
      'worker 1 sends: it happens',
      'worker 2 asks a person',
      'a person sees that it happened',
      'worker 1 writes the result',
    ],
  ],
  [
    'quarantine and deadline',
    { quarantine: false, deadline: false },
    'it happened twice',
    [
      'worker 1 takes the lease',
      'worker 1 writes its intent',
      'worker 1 is stopped',
      'worker 2 takes the lease',
      'worker 1 goes on',
      'worker 2 asks a person',
      'a person sees that it did not happen, and says "send it again"',
      'worker 1 sends: it happens',
      'worker 2 writes its intent',
      'worker 2 sends: it happens',
    ],
  ],
])('without %s a promise breaks', (_without, change, promise, trace) => {
  expect(check({ ...ours, ...change }).broken).toEqual({ promise, trace })
})
