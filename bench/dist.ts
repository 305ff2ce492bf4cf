/** The library as it is shipped: built into a folder of its own, so that a checkout's `dist` stays as it is. */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')

export interface Built {
  /** The URL of the library's index. */
  readonly url: string
  /** The path of the resume benchmark's process: plain JavaScript too, or Node would load its own compiler for it. */
  readonly child: string
}

/** @throws {Error} with what the compiler said. */
export function buildInto(dir: string): Built {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const out = join(dir, 'dist')
  const args = [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', out]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`The build failed:\n${stdout}`)
  for (const name of ['node_modules', 'src']) symlinkSync(join(root, name), join(dir, name))
  cpSync(join(root, 'package.json'), join(dir, 'package.json'))
  for (const name of ['resume-child', 'model', 'measure']) {
    const text = readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8')
    const plain = stripTypeScriptTypes(text).replaceAll(/(from '\.\/\w+)\.ts'/g, "$1.js'")
    writeFileSync(join(dir, `${name}.js`), plain)
  }
  return { url: pathToFileURL(join(out, 'index.js')).href, child: join(dir, 'resume-child.js') }
}
