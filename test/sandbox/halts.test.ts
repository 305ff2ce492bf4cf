/** When the guest stops, what it says, and what settling does. */
import { expect, test } from 'vitest'
import { decode } from '../../src/base/codec.ts'
import { UsageError } from '../../src/base/errors.ts'
import type { Ending, Halt } from '../../src/base/halt.ts'
import { CLOCK, idsOf, program, session } from './session.ts'

const TOOLS = { a: () => 0, b: () => 0 }

function endingOf(halt: Halt): Ending {
  if (halt.kind !== 'ended') throw new Error(JSON.stringify(halt))
  return halt.ending
}

function answerOf(halt: Halt): unknown {
  const ending = endingOf(halt)
  if (ending.kind !== 'answer') throw new Error(JSON.stringify(ending))
  return decode(ending.value)
}

test('Promise.all names all its calls at once, with ids by step and ordinal', async () => {
  await using guest = await session({}, TOOLS)
  await guest.step('1')
  const halt = await guest.start(
    '(await Promise.all([tools.a({ n: 1 }), tools.b({ n: 2 }), tools.a()])).join()',
  )
  expect(idsOf(halt)).toEqual(['2.1 a', '2.2 b', '2.3 a'])
  expect(halt.kind === 'waiting' && halt.calls.map((call) => decode(call.input))).toEqual([
    { n: 1 },
    { n: 2 },
    undefined,
  ])
  expect(idsOf(await guest.resolve('2.3', 'c'))).toEqual([])
  await guest.resolve('2.1', 'a')
  expect(endingOf(await guest.resolve('2.2', 'b'))).toEqual({ kind: 'value', shown: "'a,b,c'" })
})

test('the loser of a race stays open, is named, and is delivered later', async () => {
  await using guest = await session({}, TOOLS)
  await guest.start(
    'const late = tools.b(); late.then((v) => print("late", v)); await Promise.race([tools.a(), late])',
  )
  const ended = await guest.resolve('1.2', 'won')
  expect(ended).toMatchObject({ kind: 'ended', open: ['1.1'] })
  const between = await guest.resolve('1.1', 'lost')
  expect(between).toMatchObject({ kind: 'waiting', calls: [], printed: 'late lost\n' })
  expect(await guest.show('await late')).toBe("late lost\n'lost'")
})

test('S2: results are settled one at a time, so that their order decides', async () => {
  const source = 'await Promise.race([tools.a().then((v) => v + "!"), tools.b()])'
  await using guest = await session({}, TOOLS)
  await guest.start(source)
  // Settled together, `b` would win, since the `then` of `a` takes one turn more.
  const won = await guest.resolve('1.1', 'a')
  expect(endingOf(won)).toEqual({ kind: 'value', shown: "'a!'" })
  await guest.start(source)
  expect(endingOf(await guest.resolve('2.2', 'b'))).toEqual({ kind: 'value', shown: "'b'" })
})

test('a call that the guest does not know is ignored', async () => {
  await using guest = await session({}, TOOLS)
  await guest.start('await tools.a()')
  expect(await guest.resolve('9.9', 1)).toEqual({ kind: 'waiting', calls: [], printed: '' })
  await guest.resolve('1.1', 1)
  expect(await guest.resolve('1.1', 2)).toMatchObject({ kind: 'waiting' })
})

test('a call made by what goes on between the steps gets the next ordinal', async () => {
  await using guest = await session({}, TOOLS)
  await guest.start('tools.a().then(() => tools.b("more")); "done"')
  expect(idsOf(await guest.resolve('1.1', 0))).toEqual(['1.2 b'])
  expect(await guest.step('2')).toMatchObject({ open: ['1.2'] })
})

test('what goes wrong between the steps is told in the next step’s output', async () => {
  await using guest = await session({}, TOOLS)
  await guest.start('tools.a().then(() => { print("before"); throw new Error("behind") }); "done"')
  expect(await guest.resolve('1.1', 0)).toMatchObject({ kind: 'waiting', printed: 'before\n' })
  expect(await guest.show('"next"')).toMatch(
    /^before\nUncaught \(in promise\) Error: behind\n {4}at step1[^]*'next'$/,
  )
})

test('ask and sleep are waits of the guest’s own', async () => {
  await using guest = await session({}, TOOLS)
  const asked = await guest.start(
    '[await ask("Size?", { type: "string" }), await ask("Sure?"), await sleep("2d")]',
  )
  expect(asked).toMatchObject({ kind: 'waiting', calls: [{ id: '1.1', name: '$ask' }] })
  expect(asked.kind === 'waiting' && decode(asked.calls[0]?.input ?? '')).toEqual([
    'Size?',
    { type: 'string' },
  ])
  const again = await guest.resolve('1.1', 'L')
  expect(again.kind === 'waiting' && decode(again.calls[0]?.input ?? '')).toEqual(['Sure?'])
  const slept = await guest.resolve('1.2', 'yes')
  expect(slept.kind === 'waiting' && slept.calls[0]).toEqual({ id: '1.3', name: '$sleep', input: '["2d"]' })
  expect(endingOf(await guest.resolve('1.3', undefined))).toEqual({
    kind: 'value',
    shown: "[ 'L', 'yes', undefined ]",
  })
})

test('a rejected call has the name, the message and the line where the model waits', async () => {
  await using guest = await session({}, TOOLS)
  await guest.start('const x = 1\nfunction go() {\n  return tools.a()\n}\nawait go()')
  const ending = endingOf(await guest.reject('1.1', 'UnknownOutcomeError', 'who knows'))
  expect(ending.kind === 'error' && ending.error).toMatchObject({
    name: 'UnknownOutcomeError',
    message: 'who knows',
  })
  expect(ending.kind === 'error' && ending.error.stack).toMatch(
    /who knows\n {2}3 \| {3}return tools\.a\(\)\n {4}\| {16}\^\n {4}at go \(step1\.ts:3:\d+\)\n {4}at step1\.ts:5:\d+$/,
  )
  await guest.start(
    'try { await tools.a() } catch (e) { [e instanceof Error, e instanceof TypeError, String(e)] }',
  )
  expect(await guest.reject('2.1', 'TypeError', 'm')).toMatchObject({ ending: { kind: 'value' } })
})

test('the clock is the moment’s, in the guest and through its timers', async () => {
  await using guest = await session({}, TOOLS)
  await guest.start('const before = Date.now(); await tools.a(); [before, Date.now() - before]')
  const halt = await guest.sandbox.settle('1.1', { ok: true, value: '-1' }, { clock: CLOCK + 86_400_000 })
  expect(endingOf(halt)).toEqual({ kind: 'value', shown: `[ ${CLOCK}, 86400000 ]` })
})

const ANSWERS: { readonly [about: string]: string } = {
  'awaited by nobody': 'async function main() { finalAnswer(1); print("never") } main()',
  swallowed: 'try { finalAnswer(1) } catch (e) { print("never", e) }',
  'followed by another': 'try { finalAnswer(1) } catch {} finalAnswer(2)',
  'in finally': 'try { throw new Error("x") } finally { finalAnswer(1) }',
  'followed by calls': 'try { finalAnswer(1) } finally { await tools.a() }',
  'while the program waits':
    'Promise.resolve().then(() => finalAnswer(1)); await tools.a(); print("never"); tools.b()',
  'with calls in flight': 'tools.a().then((v) => { print("never", v); tools.b() }); finalAnswer(1)',
  'in a loop that swallows': 'for (;;) { try { finalAnswer(1) } catch {} await tools.a() }',
  'followed by a rejection': 'Promise.reject(new Error("lost")); finalAnswer(1)',
}

for (const [about, source] of Object.entries(ANSWERS)) {
  test(`B4: a final answer ends the step where it stands: ${about}`, async () => {
    await using guest = await session({}, TOOLS)
    const halt = await guest.start(source)
    expect(answerOf(halt)).toBe(1)
    expect(halt).toMatchObject({ kind: 'ended', output: '' })
    const calls = halt.kind === 'ended' ? halt.open : []
    for (const call of calls)
      expect(await guest.resolve(call, 0)).toMatchObject({ kind: 'waiting', calls: [], printed: '' })
    expect(await guest.show('"next"')).toBe("'next'")
  })
}

test('a final answer is data: instances by their fields, maps, dates, undefined', async () => {
  await using guest = await session()
  expect(
    answerOf(
      await guest.start(
        'class Money { amount = 3; #cents = 1 }; finalAnswer({ m: new Money(), d: new Date(0) })',
      ),
    ),
  ).toEqual({
    m: { amount: 3 },
    d: new Date(0),
  })
  expect(answerOf(await guest.start('finalAnswer()'))).toBe(undefined)
  expect(endingOf(await guest.start('finalAnswer({ f() {} })'))).toMatchObject({
    kind: 'error',
    error: { message: 'The final answer.f cannot be passed out of the sandbox: it is a function' },
  })
})

test('what a step prints keeps head and tail, and says how much was cut', async () => {
  await using guest = await session({ outputChars: 100 })
  const { output, printed } = await guest.step('for (let i = 0; i < 1000; i++) print("line", i)')
  expect(output).toMatch(/^line 0\nline 1\n[^]*\[… \d+ characters cut …\][^]*line 999\n$/)
  expect(output.length).toBeLessThan(150)
  expect(printed).toBe(output)
  expect((await guest.step('print("x")')).output).toBe('x\n')
})

test('printed text comes with each halt, the output is the whole of it', async () => {
  await using guest = await session({}, TOOLS)
  expect(await guest.start('print(1); await tools.a(); print(2)')).toMatchObject({ printed: '1\n' })
  expect(await guest.resolve('1.1', 0)).toMatchObject({ printed: '2\n', output: '1\n2\n' })
})

test('more calls than the limit kill the step', async () => {
  await using guest = await session({ callsPerStep: 3 }, TOOLS)
  expect(await guest.start('for (let i = 0; i < 9; i++) try { tools.a() } catch {}')).toMatchObject({
    kind: 'killed',
    reason: 'calls',
  })
})

test('S4: after a kill only open is allowed, and it works', async () => {
  await using guest = await session({ stepTimeout: 100 }, TOOLS)
  await guest.step('let kept = 1')
  const heap = await guest.heap()
  expect(await guest.start('kept = 2; for (;;) {}')).toMatchObject({ kind: 'killed', reason: 'timeout' })
  await expect(guest.heap()).rejects.toThrow(UsageError)
  await expect(guest.sandbox.mark(1)).rejects.toThrow(UsageError)
  await expect(guest.start('1')).rejects.toThrow(UsageError)
  await guest.sandbox.open({ from: 'heap', heap }, ['a', 'b'])
  expect(await guest.show('kept')).toBe('1')
})

test('tools may be others after opening a heap: new ones come, missing ones go', async () => {
  await using guest = await session({}, TOOLS)
  await guest.step('const held = tools.a')
  await guest.sandbox.open({ from: 'heap', heap: await guest.heap() }, ['b', 'c'])
  expect(await guest.show('[Object.keys(tools), typeof a, typeof b, typeof c]')).toBe(
    "[ [ 'b', 'c' ], 'undefined', 'function', 'function' ]",
  )
})

test('requests made at once are carried out in their order', async () => {
  await using guest = await session({}, TOOLS)
  const [ran, heap, settled] = await Promise.all([
    guest.start('await tools.a()'),
    guest.heap(),
    guest.resolve('1.1', 5),
  ])
  expect([ran.kind, settled.kind]).toEqual(['waiting', 'ended'])
  await guest.sandbox.open({ from: 'heap', heap }, ['a', 'b'])
  expect(endingOf(await guest.resolve('1.1', 6))).toEqual({ kind: 'value', shown: '6' })
})

test('a disposed sandbox refuses', async () => {
  const guest = await session()
  await guest[Symbol.asyncDispose]()
  await expect(guest.sandbox.run(1, program(1, '1'), { clock: 0 })).rejects.toThrow(UsageError)
})
