/** The files of a folder, and nothing beside it. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { files } from '../../src/toolbox.ts'
import { scratch } from '../journal/fixtures/files.ts'
import { call, named } from './call.ts'

function place(): { path: string; outside: string; [Symbol.dispose](): void } {
  const dir = scratch()
  const path = join(dir.path, 'root')
  const outside = join(dir.path, 'outside')
  mkdirSync(join(path, 'src/deep'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(path, 'README.md'), '# One\ntwo\nthree\n')
  writeFileSync(join(path, 'src/a.ts'), 'const a = 1\nconst b = a\n')
  writeFileSync(join(path, 'src/deep/b.ts'), 'export const B = 2\n')
  writeFileSync(join(outside, 'secret'), 'the secret')
  return { path, outside, [Symbol.dispose]: () => dir[Symbol.dispose]() }
}

const tools = (path: string) => {
  const all = files(path, { write: true })
  return (name: string, input: unknown, attempt = 1) => call(named(all, name), input, { attempt })
}

describe('reading', () => {
  test('lists, reads and searches', async () => {
    using dir = place()
    mkdirSync(join(dir.path, 'node_modules'))
    const use = tools(dir.path)
    expect(await use('listFiles', { path: '.', depth: 2 })).toEqual({
      entries: [
        { path: 'README.md', kind: 'file' },
        { path: 'src', kind: 'folder' },
        { path: 'src/a.ts', kind: 'file' },
        { path: 'src/deep', kind: 'folder' },
      ],
      more: false,
    })
    expect(await use('readFile', { path: 'README.md' })).toBe('# One\ntwo\nthree\n')
    expect(await use('readFile', { path: './src/../README.md', from: 2, lines: 1 })).toBe('two')
    expect(await use('searchFiles', { text: 'CONST', ignoreCase: true, glob: '**/*.ts' })).toEqual({
      matches: [
        { path: 'src/a.ts', line: 1, text: 'const a = 1' },
        { path: 'src/a.ts', line: 2, text: 'const b = a' },
        { path: 'src/deep/b.ts', line: 1, text: 'export const B = 2' },
      ],
      more: false,
    })
  })

  test('what is listed is bounded, and says so', async () => {
    using dir = place()
    for (let n = 0; n < 1_005; n++) writeFileSync(join(dir.path, `f${n}`), 'x')
    const use = tools(dir.path)
    const listed = (await use('listFiles', {})) as { entries: unknown[]; more: boolean }
    expect([listed.entries.length, listed.more]).toEqual([1_000, true])
    const found = (await use('searchFiles', { text: 'x' })) as { matches: unknown[]; more: boolean }
    expect([found.matches.length, found.more]).toEqual([200, true])
  })

  test('a file that is no text, too large, or no file at all', async () => {
    using dir = place()
    writeFileSync(join(dir.path, 'bin'), Buffer.from([1, 0, 2]))
    execFileSync('mkfifo', [join(dir.path, 'pipe')])
    const use = tools(dir.path)
    await expect(use('readFile', { path: 'bin' })).rejects.toThrow("'bin' is not text.")
    await expect(use('readFile', { path: 'src' })).rejects.toThrow("'src' is not a file.")
    await expect(use('readFile', { path: 'pipe' })).rejects.toThrow("'pipe' is not a file.")
    await expect(use('readFile', { path: 'nothing' })).rejects.toThrow("There is no 'nothing'.")
    const small = named(files(dir.path, { maxBytes: 4 }), 'readFile')
    await expect(call(small, { path: 'README.md' })).rejects.toThrow('no more than 4 are read')
  })
})

describe('nothing leads out of the folder', () => {
  test.each([
    '../outside/secret',
    'src/../../outside/secret',
    '/etc/hostname',
    'link',
    'folder/secret',
    'chain/secret',
    '..',
    'a\0b',
  ])('%j', async (path) => {
    using dir = place()
    symlinkSync(join(dir.outside, 'secret'), join(dir.path, 'link'))
    symlinkSync(dir.outside, join(dir.path, 'folder'))
    symlinkSync('folder', join(dir.path, 'chain'))
    const use = tools(dir.path)
    await expect(use('readFile', { path })).rejects.toMatchObject({ name: 'ToolError' })
    await expect(use('listFiles', { path })).rejects.toMatchObject({ name: 'ToolError' })
    await expect(use('searchFiles', { text: 'secret', path })).rejects.toMatchObject({ name: 'ToolError' })
    await expect(use('writeFile', { path, content: 'x' })).rejects.toMatchObject({ name: 'ToolError' })
    await expect(use('patchFile', { path, edits: [{ find: 'the', replace: 'a' }] })).rejects.toMatchObject({
      name: 'ToolError',
    })
    expect(readFileSync(join(dir.outside, 'secret'), 'utf8')).toBe('the secret')
    expect(readdirSync(dir.outside)).toEqual(['secret'])
  })

  test('a new file below a link, or where the folder on the way is one', async () => {
    using dir = place()
    symlinkSync(dir.outside, join(dir.path, 'folder'))
    symlinkSync(join(dir.outside, 'made'), join(dir.path, 'dangling'))
    const use = tools(dir.path)
    for (const path of ['folder/new', 'folder/deep/er/new', 'dangling'])
      await use('writeFile', { path, content: 'x' }).catch(() => undefined)
    expect(readdirSync(dir.outside)).toEqual(['secret'])
  })

  test('searching does not follow links', async () => {
    using dir = place()
    symlinkSync(dir.outside, join(dir.path, 'folder'))
    expect(await tools(dir.path)('searchFiles', { text: 'secret' })).toEqual({ matches: [], more: false })
  })
})

describe('writing', () => {
  test('a file whole, with its folders; one that is there keeps its mode', async () => {
    using dir = place()
    const use = tools(dir.path)
    await use('writeFile', { path: 'new/place/x.txt', content: 'é' })
    expect(readFileSync(join(dir.path, 'new/place/x.txt'), 'utf8')).toBe('é')
    chmodSync(join(dir.path, 'README.md'), 0o755)
    await use('writeFile', { path: 'README.md', content: 'new' })
    expect(statSync(join(dir.path, 'README.md')).mode & 0o777).toBe(0o755)
    expect(readdirSync(dir.path).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('passages that stand in it once; all, or none', async () => {
    using dir = place()
    const use = tools(dir.path)
    const edits = [
      { find: 'const a = 1', replace: 'const a = 2' },
      { find: 'b = a', replace: 'b = a + 1' },
    ]
    expect(await use('patchFile', { path: 'src/a.ts', edits })).toBe('changed src/a.ts')
    expect(readFileSync(join(dir.path, 'src/a.ts'), 'utf8')).toBe('const a = 2\nconst b = a + 1\n')
    const half = [
      { find: 'const a = 2', replace: 'const a = 3' },
      { find: 'nowhere', replace: '' },
    ]
    await expect(use('patchFile', { path: 'src/a.ts', edits: half })).rejects.toThrow(
      'Passage 2 to find is not in',
    )
    await expect(
      use('patchFile', { path: 'src/a.ts', edits: [{ find: 'const', replace: 'let' }] }),
    ).rejects.toThrow('more than once')
    expect(readFileSync(join(dir.path, 'src/a.ts'), 'utf8')).toBe('const a = 2\nconst b = a + 1\n')
  })

  test('an attempt after one that was cut finds the change made', async () => {
    using dir = place()
    const use = tools(dir.path)
    const given = { path: 'src/a.ts', edits: [{ find: 'const a = 1', replace: 'const a = 2' }] }
    await use('patchFile', given)
    expect(await use('patchFile', given, 2)).toBe('changed src/a.ts')
    await expect(use('patchFile', given, 1)).rejects.toThrow('is not in')
  })

  test('a person is shown what is changed', async () => {
    using dir = place()
    const patch = named(files(dir.path, { write: true }), 'patchFile')
    const judged = (patch.needsApproval as (input: unknown) => unknown)({
      path: 'src/a.ts',
      edits: [{ find: 'one\ntwo', replace: 'three' }],
    })
    expect(judged).toEqual({ required: true, message: 'Change src/a.ts?\n- one\n- two\n+ three' })
    expect(files(dir.path).map(({ name }) => name)).toEqual(['listFiles', 'readFile', 'searchFiles'])
  })

  test('there must be such a folder', () => {
    expect(() => files('/no/such/folder')).toThrow('There is no folder /no/such/folder.')
    expect(existsSync('/no')).toBe(false)
  })
})
