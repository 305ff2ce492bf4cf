/**
 * Programs made at random do over several steps what they do in Node as scripts of one context: values, order, hoisting,
 * temporal dead zones, constants, what the last statement gives. What a session allows and Node does not (a name that is
 * declared again) is in names.test.ts.
 */
import { createContext, Script } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import { CLOCK, LIMITS, program } from './session.ts'

/** A statement, given the names that are free; it may declare some. Names are numbered so that none is declared twice. */
interface Made {
  readonly text: string
}

const KINDS = ['let', 'const', 'var'] as const

/** Names: `x0` … `x9` are variables of the first step, `x10` … of the second, and so on. */
function stepsOf(random: (below: number) => number): readonly string[] {
  const known: string[] = []
  return Array.from({ length: 1 + random(4) }, (_, step) => {
    const own = Array.from({ length: 1 + random(5) }, (__, at) => `x${step * 10 + at}`)
    const usable = [...known, ...own]
    const body = own.map((name) => declaration(name, usable, random).text)
    for (let n = random(5); n > 0; n--)
      body.splice(random(body.length + 1), 0, statement(usable, known, random, 2).text)
    known.push(...own)
    return body.join(random(2) === 0 ? '\n' : ';\n')
  })
}

function pick<T>(from: readonly T[], random: (below: number) => number): T {
  const found = from[random(from.length)]
  if (found === undefined) throw new RangeError('Nothing to pick from')
  return found
}

function expression(names: readonly string[], random: (below: number) => number, depth = 2): string {
  const name = pick(names, random)
  if (depth === 0) return random(2) === 0 ? String(random(10)) : `num(${name})`
  const inner = (): string => expression(names, random, depth - 1)
  return pick(
    [
      () => `num(${name})`,
      () => `${inner()} + ${inner()}`,
      () => `(${inner()} > 3 ? ${inner()} : ${inner()})`,
      () => `[${inner()}, ${inner()}].map((v) => v * 2)[${random(2)}]`,
      () => `((y, z = ${inner()}) => y + z)(${inner()})`,
      () => `({ a: ${inner()} }).a`,
      () => `(() => { let ${name} = ${random(9)}; ${name} += 1; return ${name} })()`,
      () => `(typeof ${name} === 'number' ? ${name} : ${random(9)})`,
    ],
    random,
  )()
}

function declaration(name: string, names: readonly string[], random: (below: number) => number): Made {
  const value = expression(names, random)
  const kind = pick(KINDS, random)
  const text = pick(
    [
      () => `${kind} ${name} = ${value}`,
      () => `${kind} { ${name} = ${random(9)} } = { ${random(2) === 0 ? name : 'other'}: ${value} }`,
      () => `${kind} [, ${name}, ...${name}r] = [1, ${value}, 3]`,
      () => `let ${name}`,
      () => `function ${name}(a = ${random(9)}) { return a + ${value} }`,
      () => `class ${name} { static n = ${value}; n = 1 }`,
      () => `if (${value} > 2) { var ${name} = ${value} }`,
      () => `for (var ${name} = 0; ${name} < 3; ${name}++) {}`,
    ],
    random,
  )()
  return { text: `${text};` }
}

/** `earlier`: what may be assigned. Before a declaration of the same step has run, that is an error in Node only. */
function statement(
  names: readonly string[],
  earlier: readonly string[],
  random: (below: number) => number,
  depth: number,
): Made {
  const name = pick(names, random)
  const inner = (): string => (depth === 0 ? 'out(0)' : statement(names, earlier, random, depth - 1).text)
  const text = pick(
    [
      () => `out(${expression(names, random)})`,
      () => `out(typeof ${name})`,
      () => (earlier.length === 0 ? 'out(1)' : `${pick(earlier, random)} = ${expression(names, random)}`),
      () => `if (${expression(names, random)} % 2) { ${inner()} } else { ${inner()} }`,
      () => `for (const i of [1, 2]) { out(i); ${inner()} }`,
      () => `for (let i = 0; i < 2; i++) { const ${name} = i; out(${name}) }`,
      () => `try { ${inner()} } catch (e) { out(e.name) } finally { out('finally') }`,
      () => `{ let ${name} = ${random(9)}; ${inner()} }`,
      () => `switch (${expression(names, random)} % 3) { case 0: ${inner()}; break; default: ${inner()} }`,
      () => `throw new RangeError('thrown')`,
      () => expression(names, random),
    ],
    random,
  )()
  return { text: `${text};` }
}

/** `num`: a number of anything, so that values do not depend on how functions are written. */
const GLOBALS = `globalThis.num = (value) =>
  typeof value === 'number' ? (Number.isFinite(value) ? value % 1000 : 0) : typeof value === 'function' ? 7 : value === undefined ? 5 : 11`

function inNode(steps: readonly string[]): {
  readonly said: readonly string[]
  readonly ran: readonly string[]
} {
  const lines: string[] = []
  const context = createContext({ out: (value: unknown) => lines.push(String(value)) })
  new Script(GLOBALS).runInContext(context)
  const said: string[] = []
  const ran: string[] = []
  const dead = new Set<string>()
  for (const source of steps) {
    // A name whose declaration failed cannot be used or declared again in Node; here it can.
    if ([...dead].some((name) => new RegExp(`\\b${name}\\b`).test(source))) continue
    ran.push(source)
    lines.length = 0
    let end: string
    try {
      const value: unknown = new Script(`'use strict';${source}`).runInContext(context)
      end = typeof value === 'number' ? `= ${value}` : ''
    } catch (error) {
      end = `! ${(error as Error).name}`
      for (const [name] of source.matchAll(/\bx\d+r?\b/g)) {
        try {
          new Script(`typeof ${name}`).runInContext(context)
        } catch {
          dead.add(name)
        }
      }
    }
    said.push(`${lines.join(' ')} ${end}`)
  }
  return { said, ran }
}

test('random programs do what they do in Node', { timeout: 120_000 }, async () => {
  await using sandbox = createSandbox(LIMITS)
  let failures = 0
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 1_000_000 })), async (stream) => {
      const random = (below: number): number => (stream.next().value as number) % below
      const { said, ran } = inNode(stepsOf(random))
      await sandbox.open({ from: 'seed', seed: 'random', clock: CLOCK }, [])
      const lines = 'globalThis.out = (value) => print(String(value))'
      await sandbox.run(1, program(1, `${GLOBALS}\n${lines}`), { clock: CLOCK })
      for (const [index, source] of ran.entries()) {
        const halt = await sandbox.run(index + 2, program(index + 2, source), { clock: CLOCK })
        if (halt.kind !== 'ended') throw new Error(`${source}\n${JSON.stringify(halt)}`)
        const { output, ending } = halt
        const shown = ending.kind === 'value' ? (ending.shown ?? '') : ''
        const end =
          ending.kind === 'error' ? `! ${ending.error.name}` : /^-?\d+$/.test(shown) ? `= ${shown}` : ''
        if (end.startsWith('!')) failures++
        // Node gives a value of the last statement that has one; here a loop has none, and a declaration hides it.
        const expected = end === '' ? said[index]?.replace(/= -?\d+$/, '') : said[index]
        const got = `${output.trim().replaceAll('\n', ' ')} ${end}`
        expect({ source, said: got }).toEqual({ source, said: expected })
      }
    }),
    { numRuns: 300 },
  )
  // The errors of constants and of names that are not there yet are among them.
  expect(failures).toBeGreaterThan(20)
})
