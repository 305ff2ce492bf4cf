/** A replay that differs says so, and says what may be the reason. */
import { expect, test } from 'vitest'
import type { Surroundings } from '../../src/agent/act.ts'
import type { Happening } from '../../src/agent/happening.ts'
import { withReason } from '../../src/run/heap.ts'
import { engineDigest, guestDigest } from '../../src/sandbox/parts.ts'

function told(engine: string, happening: Happening): Happening | undefined {
  let heard: Happening | undefined
  const around = { post: (each: Happening) => (heard = each) } as unknown as Surroundings
  withReason(around, engine).post(happening)
  return heard
}

test('the digest of a run covers what the host’s libraries say', () => {
  expect(guestDigest()).toMatch(/^[0-9a-f]{64}$/)
  expect(guestDigest()).not.toBe(engineDigest())
})

test('a replay that differs tells that the run was begun with another engine, or other languages', () => {
  const differs: Happening = { kind: 'diverged', message: 'It differs.' }
  expect(told(guestDigest(), differs)).toEqual(differs)
  expect(told('another', differs)).toEqual({
    kind: 'diverged',
    message:
      'It differs. The run was begun with another engine, or with other data of languages and time zones.',
  })
  const other: Happening = { kind: 'broke', error: 1 }
  expect(told('another', other)).toBe(other)
})
