/** Keeping state files from the command line: verify, export, import, backup, rm, prune, rekey. */
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { AGENT, Place } from './fixtures/pca.ts'

function tamper(file: string, sql: string): void {
  using db = new DatabaseSync(file)
  db.exec(sql)
}

test('verify: sound is 0, damage is 2 and said in words, and nothing is written', async () => {
  using place = new Place()
  expect(await place.pca('verify')).toMatchObject({ code: 2, err: expect.stringContaining('no state file') })
  await place.run('r1', 'hello')
  await place.run('r2', 'refund')
  const sound = await place.pca('verify')
  expect(sound).toMatchObject({ code: 0, out: expect.stringMatching(/r1 {2}sound.*r2 {2}sound.*is sound/s) })
  tamper(place.file, `UPDATE entries SET at = at + 1 WHERE kind = 'step-ended'`)
  const before = place.bytes()
  const damaged = await place.pca('verify')
  expect(damaged).toMatchObject({
    code: 2,
    out: expect.stringMatching(/r1 {2}1 fault.*J9: Entry \d+ of run r1 is damaged/s),
  })
  expect(await place.pca('verify', 'r2', '--json')).toMatchObject({
    code: 0,
    last: { v: 1, ok: true, faults: [], runs: [{ runId: 'r2', faults: [] }] },
  })
  expect(await place.pca('verify', 'r1', '--json')).toMatchObject({ code: 2, last: { ok: false } })
  expect(place.bytes()).toBe(before)
})

test('export, import and backup: a run goes on elsewhere', async () => {
  using place = new Place()
  await place.run('r1', 'refund')
  expect(await place.pca('export', 'r1')).toMatchObject({ code: 0, out: '1 run in r1.db.\n' })
  expect(await place.pca('export', 'r1', '--json')).toMatchObject({
    code: 2,
    last: { error: { code: 'USAGE' } },
  })
  expect(await place.pca('export', 'r1', '--force')).toMatchObject({ code: 0 })
  expect(await place.pca('--store', 'other.db', 'import', 'r1.db')).toMatchObject({
    code: 0,
    out: 'r1  imported\n',
  })
  expect(await place.pca('--store', 'other.db', 'import', 'r1.db')).toMatchObject({
    code: 0,
    out: 'r1  here already\n',
  })
  expect(await place.pca('import', 'missing.db')).toMatchObject({ code: 2 })
  const { last } = await place.pca('--store', 'other.db', 'inbox', '--json')
  const [question] = last['questions'] as readonly { readonly id: string }[]
  await place.pca('--store', 'other.db', 'approve', question?.id ?? '')
  expect(await place.pca('--store', 'other.db', '--agent', AGENT, 'resume', 'r1')).toMatchObject({
    code: 0,
    out: expect.stringContaining('refunded 250'),
  })
  expect(await place.pca('backup', 'all.db', '--json')).toMatchObject({ code: 0, last: { runs: 1 } })
  expect(await place.pca('--store', 'all.db', 'verify')).toMatchObject({ code: 0 })
})

test('a damaged run holds up no worker', async () => {
  using place = new Place()
  for (const id of ['bad', 'good']) {
    await place.run(id, 'size')
    const [question] = (await place.questions()).filter(({ runId }) => runId === id)
    await place.pca('answer', question?.id ?? '', '"L"')
  }
  tamper(place.file, `UPDATE runs SET view = zeroblob(40) WHERE run_id = 'bad'`)
  const worked = await place.pca('work', '--once')
  expect(worked).toMatchObject({ out: expect.stringMatching(/good {2}completed/) })
  expect(worked.err).toMatch(/bad {2}not driven: STATE_CORRUPT/)
})

test('rm and prune ask first, and need a yes where nobody can be asked', async () => {
  using place = new Place()
  await place.run('r1', 'hello')
  await place.run('r2', 'refund')
  expect(await place.pca('rm', 'r1')).toMatchObject({ code: 2, err: expect.stringContaining('--yes') })
  expect(await place.pca('prune', '--older-than', '1d', '--yes')).toMatchObject({
    code: 0,
    out: 'Nothing to remove.\n',
  })
  const dry = await place.pca('prune', '--older-than', '0s', '--dry-run')
  expect(dry).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^r1 {2}completed.*1 run would be removed/s),
  })
  const gone = await place.pca('prune', '--older-than', '0s', '--yes', '--json')
  expect(gone).toMatchObject({
    code: 0,
    last: { v: 1, removed: ['r1'], busy: [], compacted: true },
  })
  expect(await place.pca('rm', 'r', '--yes')).toMatchObject({ code: 0, out: '1 run removed.\n' })
  expect(await place.pca('list', '--json')).toMatchObject({ last: { runs: [] } })
  expect(await place.pca('prune')).toMatchObject({ code: 2, err: expect.stringContaining('--older-than') })
})

test('a run that is being driven is not removed', async () => {
  using place = new Place()
  const run = place.start(['run', AGENT, 'script:hang', '--id', 'r'])
  await run.until('HANGING')
  expect(await place.pca('rm', 'r', '--yes')).toMatchObject({
    code: 1,
    err: expect.stringContaining('driven'),
  })
  await place.pca('stop', 'r')
  expect((await run.ended).code).toBe(4)
  expect(await place.pca('rm', 'r', '--yes')).toMatchObject({ code: 0 })
})

test('with a state key: sealed in the file, refused by name without it, rekeyed', async () => {
  using place = new Place()
  const with_ = (key: string, next?: string) => ({ env: { PCA_STATE_KEY: key, PCA_NEW_STATE_KEY: next } })
  const run = ['run', AGENT, 'script:refund', '--id', 'r1']
  expect(await place.start(run, with_('open sesame')).ended).toMatchObject({ code: 3 })
  expect(place.bytes()).not.toContain('refund')
  const locked = await place.pca('list')
  expect(locked).toMatchObject({
    code: 0,
    out: expect.stringMatching(/r1.*sealed with the state key [0-9a-f]{12}/),
  })
  expect(await place.pca('resume', 'r1')).toMatchObject({
    code: 2,
    err: expect.stringContaining('PCA_STATE_KEY'),
  })
  expect(await place.pca('inbox')).toMatchObject({ code: 0, out: expect.stringContaining('sealed') })
  expect(await place.pca('verify')).toMatchObject({ code: 0, out: expect.stringContaining('only its chain') })
  expect(await place.pca('rekey')).toMatchObject({
    code: 2,
    err: expect.stringContaining('PCA_NEW_STATE_KEY'),
  })
  expect(await place.start(['rekey'], with_('wrong', 'other words')).ended).toMatchObject({ code: 2 })
  expect(await place.start(['rekey'], with_('open sesame', 'other words')).ended).toMatchObject({ code: 0 })
  expect(await place.start(['show', 'r1'], with_('open sesame')).ended).toMatchObject({ code: 2 })
  expect(await place.start(['show', 'r1'], with_('other words')).ended).toMatchObject({
    code: 0,
    out: expect.stringContaining('refund'),
  })
  expect(await place.start(['verify'], with_('other words')).ended).toMatchObject({ code: 0 })
  expect(place.bytes()).not.toContain('sesame')
})
