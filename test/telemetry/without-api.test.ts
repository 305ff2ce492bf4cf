/** T4, in a real process where @opentelemetry/api is not installed. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const PROGRAM = `
import { createRequire } from 'node:module'
import { captureCarrier, outsideTrace, startSegment, startTrace } from './telemetry/trace.ts'

let installed = true
try { createRequire(import.meta.url)('@opentelemetry/api') } catch { installed = false }
const root = startTrace({ name: 'a', runId: 'r' })
const segment = startSegment({ name: 'a', runId: 'r', number: 1, carrier: root, resumedFrom: root, override: { traceparent: 'x' } })
const child = segment.child({ name: 'x' }, 1)
const ran = [segment.beside(1, () => 1), segment.within(child, () => 2), outsideTrace(() => 3)]
child.end({ error: new Error('x') })
segment.end()
console.log(JSON.stringify({
  installed, ran, same: segment.traceparent === root.traceparent, root: root.traceparent,
  active: captureCarrier(), context: captureCarrier(new Map()), given: captureCarrier({ traceparent: root.traceparent }),
}))
`

test('everything works without the API, and the trace id stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pca-no-otel-'))
  try {
    await cp(join(import.meta.dirname, '../../src/telemetry'), join(folder, 'telemetry'), { recursive: true })
    await writeFile(join(folder, 'program.ts'), PROGRAM)
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.ts')], { env: {} })
    const seen: { readonly root: string } = JSON.parse(stdout)
    expect(seen).toEqual({
      installed: false,
      ran: [1, 2, 3],
      same: true,
      active: {},
      context: {},
      given: { traceparent: seen.root },
      root: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

const LATE = `
import { createRequire } from 'node:module'
import { startSegment, startTrace } from '${new URL('../../src/telemetry/trace.ts', import.meta.url).href}'

const require = createRequire(import.meta.url)
const isLoaded = () => Object.keys(require.cache).some((path) => path.includes('opentelemetry'))
const root = startTrace({ name: 'a', runId: 'r' })
startSegment({ name: 'a', runId: 'r', number: 1, carrier: root }).end()
const before = isLoaded()
const { trace, ROOT_CONTEXT } = require('@opentelemetry/api')
const traceId = '0123456789abcdef0123456789abcdef'
const within = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: '0123456789abcdef', traceFlags: 1 })
const given = startSegment({ name: 'a', runId: 'r', number: 1, carrier: root, override: within }).traceparent
const begun = []
const tracer = { startSpan: (name) => (begun.push(name), trace.wrapSpanContext({ traceId, spanId: 'f'.repeat(16), traceFlags: 1 })) }
trace.setGlobalTracerProvider({ getTracer: () => tracer })
const segment = startSegment({ name: 'a', runId: 'r', number: 1, carrier: root })
console.log(JSON.stringify({ before, given, begun, traced: segment.traceparent }))
`

test('the API is loaded when there is something in it: a Context that is given, or an SDK that came later', async () => {
  const folder = await mkdtemp(join(import.meta.dirname, 'late-'))
  try {
    await writeFile(join(folder, 'program.mjs'), LATE)
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
    expect(JSON.parse(stdout)).toEqual({
      before: false,
      given: expect.stringMatching(/^00-0123456789abcdef0123456789abcdef-/),
      begun: [expect.stringContaining(' a')],
      traced: expect.stringMatching(/^00-0123456789abcdef0123456789abcdef-f{16}-01$/),
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

const WHOLE = `
import { registerHooks } from 'node:module'
let asked = 0
registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('@opentelemetry/')) return next(specifier, context)
    asked++
    throw Object.assign(new Error('Cannot find ' + specifier), { code: 'MODULE_NOT_FOUND' })
  },
})
// As if something had been registered: only then is the API looked for.
globalThis[Symbol.for('opentelemetry.js.api.1')] = {}
const { CodeAgent, tool } = await import('${new URL('../../src/index.ts', import.meta.url).href}')
const { scriptedModel } = await import('${new URL('../../src/testing.ts', import.meta.url).href}')
const add = tool({ name: 'add', description: 'Adds', effect: 'read', execute: async () => 2 })
const model = scriptedModel(['const n = await add({})', 'finalAnswer(n + 1)'])
await using agent = new CodeAgent({ model, tools: [add], trace: 'root', telemetry: { content: true } })
const { status, output, traceparent } = await agent.run('Add')
console.log(JSON.stringify({ asked: asked > 0, status, output, traceparent }))
`

test('a whole run does without the API, where it cannot be resolved', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pca-no-otel-'))
  try {
    await writeFile(join(folder, 'program.mjs'), WHOLE)
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
    expect(JSON.parse(stdout)).toEqual({
      asked: true,
      status: 'completed',
      output: 3,
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
