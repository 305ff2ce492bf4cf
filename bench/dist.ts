/** The library as it is shipped: built into a folder of its own, so that a checkout's `dist` stays as it is. */
import { spawnSync } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')

/** Builds; gives the URL of its index. @throws {Error} with what the compiler said. */
export function buildInto(dir: string): string {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const out = join(dir, 'dist')
  const args = [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', out]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`The build failed:\n${stdout}`)
  for (const name of ['node_modules', 'src']) symlinkSync(join(root, name), join(dir, name))
  cpSync(join(root, 'package.json'), join(dir, 'package.json'))
  return pathToFileURL(join(out, 'index.js')).href
}
