/** Deciding about many calls at once, and for later ones: `approve --all`, `--remember`, `decisions`, `withdraw`, `audit`. */
import { expect, test } from 'vitest'
import { Place } from './fixtures/pca.ts'

test('several questions are decided by name, or all at once', async () => {
  using place = new Place()
  expect((await place.run('r', 'many')).code).toBe(3)
  const ids = (await place.questions()).map(({ id }) => id)
  expect(ids).toHaveLength(3)
  expect(await place.pca('reject', ids[0] ?? '', '--reason', 'no')).toMatchObject({ code: 0 })
  expect(await place.pca('approve', '--all', 'r', '--tool', 'nothing')).toMatchObject({ code: 2 })
  const { code, out } = await place.pca('approve', '--all', 'r', '--by', 'ann')
  expect(code).toBe(0)
  for (const id of ids.slice(1)) expect(out).toContain(`Approved ${id}`)
  expect((await place.pca('resume', 'r', '--json')).last).toMatchObject({
    output: [expect.stringContaining('no'), 'refunded 202 for A-2', 'refunded 203 for A-3'],
  })
})

test.each([
  [['approve']],
  [['approve', 'q_1', '--all']],
  [['approve', '--all', '--edit', '{}']],
  [['approve', 'q_1', '--same-args']],
  [['approve', 'q_1', '--remember', 'ever']],
  [['approve', 'q_1', '--edit', '{}', '--remember', 'run']],
])('pca %j is a mistake that is told, exit 2', async (args) => {
  using place = new Place()
  await place.run('r', 'refund')
  const { code, err } = await place.pca(...args)
  expect(code).toBe(2)
  expect(err).toMatch(/question|--remember|--same-args|remembered|--edit|--all/)
  expect(await place.questions()).toHaveLength(1)
})

test('a decision is remembered, listed, used, withdrawn and audited', async () => {
  using place = new Place()
  await place.run('one', 'refund')
  const question = (await place.questions())[0]?.id ?? ''
  expect((await place.pca('approve', question, '--remember', 'agent', '--by', 'ann')).code).toBe(0)
  expect((await place.pca('resume', 'one')).code).toBe(0)
  const listed = await place.pca('decisions')
  expect(listed.out).toMatch(new RegExp(`${question}.*lets refund in every run of`))
  expect(listed.out).toContain('by ann')
  expect((await place.pca('decisions', '--json')).last).toMatchObject({
    v: 1,
    decisions: [{ question, tool: 'refund', scope: 'agent', says: 'approve', by: 'ann' }],
  })
  // Another run is not asked.
  expect(await place.run('two', 'refund')).toMatchObject({ code: 0 })
  const audit = await place.pca('audit', 'two')
  expect(audit.out).toContain(`as decided before (${question})`)
  expect(audit.out).toMatch(/sent, attempt 1[\s\S]*returned/)
  expect((await place.pca('audit', 'one', '--json')).last).toMatchObject({
    v: 1,
    runId: 'one',
    calls: [{ tool: 'refund', questions: [{ decision: 'approve', by: 'ann' }], outcome: { is: 'returned' } }],
  })
  expect(await place.pca('withdraw', question.slice(0, 6))).toMatchObject({ code: 0 })
  expect(await place.pca('withdraw', question)).toMatchObject({ code: 2 })
  expect((await place.run('three', 'refund')).code).toBe(3)
})

test('what deceives the eye is shown as it is, and said', async () => {
  using place = new Place()
  await place.run('r', 'lookalike')
  const { out } = await place.pca('inbox')
  expect(out).toContain('\\u{200d}')
  expect(out).toContain('mixes letters of Latin and Cyrillic')
  expect(out).toContain('cannot be seen: U+200D')
  expect(out).not.toContain('\u200d')
})
