/** The declarations of what a program finds say what the guest has: every global, every member, and no more. */
import { expect, test } from 'vitest'
import { threadGuests } from '../../../src/sandbox/guests.ts'
import { compile } from '../../../src/sandbox/compile.ts'
import { said } from './kit.ts'

/** What the guest's code says of its own globals. */
async function fromGuest(code: string): Promise<readonly string[]> {
  const compiled = compile(1, code)
  if (!compiled.ok) throw new Error(compiled.error.message)
  await using guest = threadGuests.create({
    stepTimeout: 20_000,
    memory: 64 * 1024 ** 2,
    callsPerStep: 16,
    outputChars: 1_000_000,
  })
  await guest.open({ from: 'seed', seed: 'globals', clock: 0 }, [])
  const halt = await guest.run(1, compiled.program, { clock: 0 })
  if (halt.kind !== 'ended' || halt.ending.kind !== 'answer') throw new Error(JSON.stringify(halt))
  return JSON.parse(JSON.parse(halt.ending.value)[0] as string) as readonly string[]
}

const NAMES = `const names = Object.getOwnPropertyNames(globalThis).filter((name) => /^[A-Za-z_]\\w*$/.test(name))`

test('every global of the guest is known to the check', async () => {
  const names = await fromGuest(`${NAMES}\nfinalAnswer(JSON.stringify(names))`)
  expect(names).toEqual(expect.arrayContaining(['print', 'console', 'Map', 'structuredClone']))
  expect(await said(names.map((name) => `void ${name}`).join('\n'))).toEqual([])
})

test('every method of a built-in object of the guest is known to the check', async () => {
  const calls = await fromGuest(`${NAMES}
const found = []
const look = (path, object) => {
  for (const key of Object.getOwnPropertyNames(object)) {
    const at = Object.getOwnPropertyDescriptor(object, key)
    if (!/^[A-Za-z_]\\w*$/.test(key) || ['constructor', 'caller', 'callee', 'arguments'].includes(key)) continue
    if (typeof at.value === 'function' && !/^[A-Z]/.test(key)) found.push(path + '.' + key + '()')
    else found.push(path + '.' + key + '.toString()')
  }
}
for (const name of names) {
  const value = globalThis[name]
  if (name === 'globalThis' || (typeof value !== 'object' && typeof value !== 'function') || value === null) continue
  look(name, value)
  if (typeof value === 'function' && value.prototype) look(name + '.prototype', value.prototype)
}
look('"a"', String.prototype)
look('[1]', Array.prototype)
look('(1)', Number.prototype)
finalAnswer(JSON.stringify(found))`)
  expect(calls.length).toBeGreaterThan(500)
  // A program that writes into prototypes is believed: these would.
  // Of `tools` each run has its own: here one is named `search`.
  const harmless = calls.filter(
    (call) => !/^tools\.|\.(?:push|unshift|splice|fill|copyWithin|set|add|append)\(/.test(call),
  )
  expect(await said(harmless.join(';\n'))).toEqual([])
  expect(await said([...harmless, 'Map.prototype.nothing()'].join(';\n'))).toHaveLength(1)
})

test('what TypeScript’s library has and the guest has not is no name to the check', async () => {
  const known =
    'Atomics FinalizationRegistry SharedArrayBuffer Temporal WeakRef WebAssembly fetch Buffer process require ' +
    'module setInterval setImmediate XMLHttpRequest navigator window document self global alert localStorage ' +
    'TextEncoder TextDecoder URL URLSearchParams AbortController AbortSignal EventTarget Event CustomEvent Blob'
  const absent = await fromGuest(
    `finalAnswer(JSON.stringify(${JSON.stringify(known.split(' '))}.filter((name) => !(name in globalThis))))`,
  )
  expect(absent).toEqual(expect.arrayContaining(['WeakRef', 'process']))
  for (const name of absent) expect(await said(`void ${name}`)).toHaveLength(1)
})
