/**
 * `node tools/complete-lock.mjs`: run it after every change of package-lock.json.
 *
 * Tools with a binary name a package for each platform as an optional dependency. npm leaves out of the lock file
 * those that the registry in reach does not offer, and `npm ci` then refuses that lock file, on any platform. This
 * adds them, by the exact version that the tool names and without a digest, which npm fills in where it can.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const file = join(import.meta.dirname, '..', 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
const { '': root, ...packages } = lock.packages

for (const parent of Object.values(packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    packages[`node_modules/${name}`] ??= {
      version,
      dev: true,
      optional: true,
      license: parent.license,
      ...platform(name),
    }
  }
}
const sorted = Object.entries(packages).toSorted(([one], [other]) => (one < other ? -1 : 1))
writeFileSync(
  file,
  `${JSON.stringify({ ...lock, packages: { '': root, ...Object.fromEntries(sorted) } }, null, 2)}\n`,
)

/** `@scope/binding-linux-arm64-musl` is for os linux, cpu arm64, libc musl. */
function platform(name) {
  const [os, cpu, abi = ''] = name.replace(/^@[^/]+\/(binding-)?/, '').split('-')
  return {
    os: [os],
    cpu: [cpu],
    ...(os === 'linux' && abi !== '' && { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] }),
  }
}
