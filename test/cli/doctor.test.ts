/** `pca doctor`: what is amiss is said, and nothing is changed. */
import { existsSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { AGENT, Place } from './fixtures/pca.ts'

test('well: the sandbox goes on from a stored heap, and nothing is made', async () => {
  using place = new Place()
  const { code, out, last } = await place.pca('doctor', '--json')
  expect(code).toBe(0)
  expect(last['findings']).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: 'Node.js', is: 'well' }),
      expect.objectContaining({ what: 'Sandbox', is: 'well' }),
      expect.objectContaining({ what: 'State file', is: 'note' }),
      expect.objectContaining({ what: 'Type check', is: 'note', said: 'off: PCA_TYPE_CHECK' }),
    ]),
  )
  expect(out).not.toContain('"ill"')
  expect(existsSync(place.file)).toBe(false)
})

test('says whether steps are checked for type errors', async () => {
  using place = new Place()
  const { out } = await place.start(['doctor'], { env: { PCA_TYPE_CHECK: undefined } }).ended
  expect(out).toMatch(/✓ Type check {2}on, with TypeScript 7\.0\./)
})

test('names the tools of which nobody said what may be done after a crash; so does run', async () => {
  using place = new Place()
  const { out } = await place.pca('doctor', '--agent', AGENT)
  expect(out).toContain('refund, hang: nobody said what may be done after a crash')
  expect((await place.run('r', 'hello')).err).toContain('refund, hang: nobody said')
  expect((await place.pca('doctor')).out).toContain('1 run, 0 unfinished')
})

test('what is ill is said with its reason, and the exit code is 1', async () => {
  using place = new Place()
  writeFileSync(place.file, 'no database at all')
  const { code, out } = await place.pca('doctor', '--agent', 'nowhere.ts')
  expect(code).toBe(1)
  expect(out).toMatch(/✗ State file.*agent_state\.db/)
  expect(out).toContain('✗ Agent       There is no module nowhere.ts')
})

test('the keys of models are named and never shown; no key is a note', async () => {
  using place = new Place()
  const { out } = await place.start(['doctor'], { env: { MISTRAL_API_KEY: 'sk-canary' } }).ended
  expect(out).toMatch(/✓ Model keys .*MISTRAL_API_KEY.*not shown/)
  expect(out).not.toContain('sk-canary')
})
