/** The TypeScript that is installed beside us, if one is: an optional peer, never imported, only started. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseJson } from '../../base/json.ts'

export type Library =
  | { readonly is: 'usable'; readonly version: string; readonly program: string; readonly libs: string }
  | { readonly is: 'unusable'; readonly version: string }
  | { readonly is: 'missing' }

/** The versions whose API process is known to us: it is not yet promised to stay as it is. */
const KNOWN = /^7\.0\./

/** Looks where Node would, from `from` (by default, from this package). */
export function findLibrary(from: string = import.meta.url): Library {
  let manifest: string
  try {
    manifest = createRequire(from).resolve('typescript/package.json')
  } catch {
    return { is: 'missing' }
  }
  const version = versionOf(manifest)
  if (!KNOWN.test(version)) return { is: 'unusable', version }
  try {
    const name = `@typescript/typescript-${process.platform}-${process.arch}/package.json`
    const libs = join(dirname(createRequire(manifest).resolve(name)), 'lib')
    const program = join(libs, process.platform === 'win32' ? 'tsc.exe' : 'tsc')
    return existsSync(program) ? { is: 'usable', version, program, libs } : { is: 'unusable', version }
  } catch {
    return { is: 'unusable', version }
  }
}

function versionOf(manifest: string): string {
  try {
    const read = parseJson(readFileSync(manifest, 'utf8'), manifest)
    const isRecord = typeof read === 'object' && read !== null && 'version' in read
    return isRecord && typeof read.version === 'string' ? read.version : 'unknown'
  } catch {
    return 'unknown'
  }
}
