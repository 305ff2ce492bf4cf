/** The checker's process: late, dead, lying, or missing, it costs a run nothing but the check. */
import { execFile } from 'node:child_process'
import { cpSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Checker } from '../../../src/sandbox/check/checker.ts'
import { TypeCheck } from '../../../src/sandbox/check/check.ts'
import { findLibrary, type Library } from '../../../src/sandbox/check/library.ts'
import { checker, said } from './kit.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pca-check-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A library whose process does this, in place of what it should. */
function standIn(how: 'dies' | 'babbles' | 'lies' | 'sleeps' | 'pries'): Library {
  const libs = join(folder, how, 'lib')
  const program = join(libs, how)
  mkdirSync(libs, { recursive: true })
  cpSync(join(import.meta.dirname, 'fixtures', 'stand-in.mjs'), program)
  chmodSync(program, 0o755)
  return { is: 'usable', version: '7.0.0', program, libs }
}

const FILES = new Map([
  ['/pca/tsconfig.json', '{ "files": ["a.ts"] }'],
  ['/pca/a.ts', 'nothing'],
])

describe('a process that', () => {
  test.each(['dies', 'babbles', 'lies', 'sleeps'] as const)(
    '%s answers nothing, and after some tries is left alone',
    async (how) => {
      let starts = 0
      const library = standIn(how)
      const bad = new Checker({ cold: how === 'sleeps' ? 50 : 20_000 }, () => library)
      for (let i = 0; i < 5; i++) {
        const answer = bad.diagnose(FILES, '/pca/a.ts')
        await Promise.resolve()
        await Promise.resolve()
        if (bad.pid !== undefined) starts++
        expect(await answer).toBeUndefined()
        expect(bad.pid).toBeUndefined()
      }
      expect(starts).toBe(3)
    },
  )

  test('is killed in the middle of a question: nobody can say, and the next one is answered', async () => {
    const own = new Checker({ warm: 20_000, cold: 25_000 })
    expect(await own.diagnose(FILES, '/pca/a.ts')).toHaveLength(1)
    const first = must(own.pid)
    const answer = own.diagnose(FILES, '/pca/a.ts')
    process.kill(first, 'SIGKILL')
    expect(await answer).toBeUndefined()
    expect(await own.diagnose(FILES, '/pca/a.ts')).toHaveLength(1)
    expect(own.pid).not.toBe(first)
    own.end()
  })

  test('pries finds nothing but its own library', async () => {
    const prying = new Checker({ cold: 20_000 }, () => standIn('pries'))
    const [told] = (await prying.diagnose(FILES, '/pca/a.ts')) ?? []
    prying.end()
    const answers = new Map(JSON.parse(told?.text ?? '[]') as [string, unknown][])
    for (const i of [0, 1, 2, 3]) {
      expect(answers.get(`r${i}`)).toEqual({ content: null })
      expect(answers.get(`e${i}`)).toBe(false)
      expect(answers.get(`l${i}`)).toEqual({ files: [], directories: [] })
    }
    // `null` sends it to the disk.
    expect([answers.get('r4'), answers.get('e4')]).toEqual([null, null])
  })
})

describe('the library', () => {
  test('that is not installed is no error: nothing is checked', async () => {
    const library = findLibrary(pathToFileURL(join(folder, 'x.js')).href)
    expect(library).toEqual({ is: 'missing' })
    const check = new TypeCheck(new Checker({}, () => library))
    expect(await check.check(1, 'nothing()', () => ({ tools: [], past: [], variables: [] }))).toBeUndefined()
  })

  test.each(['5.9.3', '6.0.1', '7.1.0', '8.0.0'])('of version %s is one that we do not know', (version) => {
    const place = join(folder, `of-${version}`)
    mkdirSync(join(place, 'node_modules', 'typescript'), { recursive: true })
    writeFileSync(
      join(place, 'node_modules', 'typescript', 'package.json'),
      JSON.stringify({ name: 'typescript', version }),
    )
    expect(findLibrary(pathToFileURL(join(place, 'x.js')).href)).toEqual({ is: 'unusable', version })
  })

  test('that is installed beside this package is used', () => {
    expect(findLibrary()).toMatchObject({ is: 'usable' })
  })
})

test('it holds no process alive, and ends with it', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, 'fixtures', 'one-check.ts'),
  ])
  const { pid, told } = JSON.parse(stdout) as { readonly pid: number; readonly told: string }
  expect(told).toContain("Cannot find name 'nothing'")
  await expect.poll(() => isAlive(pid)).toBe(false)
})

function must(pid: number | undefined): number {
  if (pid === undefined) throw new Error('The test expected a process.')
  return pid
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('many questions at once are answered one by one, each with its own answer', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `nothing${i}`)
  const answers = await Promise.all(names.map(async (name) => said(`${name}()`)))
  answers.forEach((answer, i) => expect(answer).toEqual([`Cannot find name '${names[i]}'. (step1.ts:1:1)`]))
  expect(checker.pid).toBeDefined()
})
