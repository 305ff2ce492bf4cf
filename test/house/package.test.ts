/** What is published: the export map leads to files that exist, and the tarball holds what a user needs, no more. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { doors } from '../../oxlint.config.ts'

const root = join(import.meta.dirname, '..', '..')

interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, Locked>>
}

interface Locked {
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const lockOf = (folder: string): Lock =>
  JSON.parse(readFileSync(join(root, folder, 'package-lock.json'), 'utf8'))

/** The source of a built file: `./dist/x.d.ts` and `./dist/x.js` come from `src/x.ts`. */
function sourceOf(built: string): string {
  return join(root, built.replace('dist/', 'src/').replace(/(\.d\.ts|\.js)$/, '.ts'))
}

test('every export and every command has a source', () => {
  const targets = Object.values(manifest.exports)
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .filter((target) => target.includes('dist/'))
  for (const target of [...targets, ...Object.values(manifest.bin)]) {
    expect(existsSync(sourceOf(target)), `the source of ${target}`).toBe(true)
  }
})

test('types come first in every export, or older resolvers do not see them', () => {
  for (const target of Object.values(manifest.exports)) {
    if (typeof target !== 'string') expect(Object.keys(target)).toEqual(['types', 'default'])
  }
})

test('every command can be started by its name', () => {
  for (const built of Object.values(manifest.bin)) {
    expect(readFileSync(sourceOf(built), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  }
})

test('every dependency has a door', () => {
  // A package of types only: nothing of it runs.
  const free = ['@standard-schema/spec']
  const names = Object.keys(manifest.dependencies).filter((name) => !free.includes(name))
  expect(Object.keys(doors)).toEqual(expect.arrayContaining(names))
})

test('H46: no runtime dependency needs an install script', () => {
  const scripted = Object.entries(lockOf('.').packages).filter(
    ([, it]) => it.dev !== true && it.hasInstallScript,
  )
  expect(scripted.map(([path]) => path)).toEqual([])
})

test.for(['.', 'tools/node'])('the lock file of %s names no registry', (folder) => {
  const named = Object.entries(lockOf(folder).packages).filter(([, it]) => it.resolved !== undefined)
  expect(named.map(([path]) => path)).toEqual([])
})

test('the lock file has the packages of all platforms; if not, run tools/complete-lock.mjs', () => {
  const { packages } = lockOf('.')
  const wanted = Object.values(packages).flatMap((it) => Object.keys(it.optionalDependencies ?? {}))
  expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([])
})

test('the tarball holds sources and docs, and neither tests nor tools', () => {
  const output = execFileSync(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'],
    {
      cwd: root,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    },
  )
  // A list up to npm 11, a record from npm 12 on.
  const packed: Readonly<Record<string, { files: { path: string }[] }>> = JSON.parse(output)
  const [tarball] = Object.values(packed)
  const paths = tarball?.files.map((file) => file.path) ?? []
  expect(paths).toContain('src/base/errors.ts')
  const folders = new Set(paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]))
  expect([...folders].filter((folder) => !['dist', 'src', 'docs'].includes(String(folder)))).toEqual([])
})
