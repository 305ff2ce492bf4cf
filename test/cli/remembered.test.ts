/** Which module a run was started with. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { moduleOf, rememberModule } from '../../src/cli/remembered.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pca-modules-'))
  vi.stubEnv('PCA_STATE_DIR', join(directory, 'state'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

test('M2: many at once, none is lost; the file is its owner’s alone', async () => {
  const ids = Array.from({ length: 20 }, (_, at) => `r${at}`)
  await Promise.all(ids.map((id) => rememberModule('/x/a.db', id, `/x/${id}.ts`)))
  for (const id of ids) expect(moduleOf('/x/a.db', id)).toBe(`/x/${id}.ts`)
  expect(moduleOf('/x/b.db', 'r1')).toBeUndefined()
  expect(moduleOf('/x/a.db', 'toString')).toBeUndefined()
  expect(statSync(join(directory, 'state', 'modules.json')).mode & 0o777).toBe(0o600)
})

test.for(['', '{', '[]', '{"modules":{"/x/a.db":{"r":1}}}', '{"v":1,"modules":null}'])(
  'M2: %s is as good as none',
  async (text) => {
    await rememberModule('/x/a.db', 'r', '/x/old.ts')
    writeFileSync(join(directory, 'state', 'modules.json'), text)
    expect(moduleOf('/x/a.db', 'r')).toBeUndefined()
    expect(await rememberModule('/x/a.db', 'r', '/x/new.ts')).toBe(true)
    expect(moduleOf('/x/a.db', 'r')).toBe('/x/new.ts')
  },
)

test('M3: where nothing can be written, it says so', async () => {
  vi.stubEnv('PCA_STATE_DIR', join(directory, 'file', 'below'))
  writeFileSync(join(directory, 'file'), '')
  expect(await rememberModule('/x/a.db', 'r', '/x/a.ts')).toBe(false)
})
