/**
 * One process of the resume benchmark: `setup` makes a run that stands after many calls of one step, `resume` goes on
 * with it and says, at its next host call, when that was.
 *
 * Arguments: setup | resume, the URL of the library, the state file, the calls of the
 * last step, the steps before it, rest | kill, plain | ajv.
 * The marks are taken here, around what the library uses of Node, never in it.
 */
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type * as Library from '../src/index.ts'
import { instant } from './measure.ts'
import { instantModel } from './model.ts'

/** Of the global, which neither our libs nor Node's types declare. */
declare const WebAssembly: { compile: (bytes: Uint8Array) => Promise<object> }

const [mode = '', url = '', path = '', calls = '', steps = '', how = '', schema = ''] = process.argv.slice(2)
const marks: { readonly name: string; readonly at: number }[] = []
const mark = (name: string): void => void marks.push({ name, at: instant() })
mark('started')
const text = 'x'.repeat(1_024)
const json = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
// A Standard Schema of our own: what an author's schema library costs to load is no business of ours.
const standard = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (value: unknown) => ({ value }),
    jsonSchema: { input: () => json, output: () => json },
  },
} as const
const shape = schema === 'ajv' ? json : standard

if (mode === 'resume') watchSandbox()
const library = (await import(url)) as typeof Library
mark('loaded')
const { AgentPausedException, PersistentCodeAgent, tool } = library

const code = `let sum = 0
for (let i = 0; i < ${Number(calls)}; i++) sum += (await get({ n: i })).length
await ${how === 'rest' ? 'gate' : 'cut'}({ n: 0 })
await mark({ n: sum })`

const options = {
  model: instantModel((n) => (n <= Number(steps) ? 'print((await get({ n: 1 })).length)' : code)),
  maxSteps: Number(steps) + 2,
  limits: { callsPerStep: 20_000 },
  tools: [
    tool({ name: 'get', description: 'Gets', effect: 'read', inputSchema: shape, execute: () => text }),
    tool({
      name: 'gate',
      description: 'Pauses',
      effect: 'once',
      inputSchema: shape,
      execute: () => {
        throw new AgentPausedException('Rest')
      },
    }),
    tool({ name: 'cut', description: 'Is killed', effect: 'read', inputSchema: shape, execute: cut }),
    tool({ name: 'mark', description: 'Marks', effect: 'read', inputSchema: shape, execute: reached }),
  ],
}

if (mode === 'setup') {
  await using agent = new PersistentCodeAgent({ ...options, storagePath: path })
  await agent.run('Call', { runId: 'bench' })
} else {
  const agent = await PersistentCodeAgent.resumeExecution(path, { ...options, runId: 'bench' })
  mark('bound')
  await agent.run(agent.task, { reset: false })
}

/** In the setup it is where the process is killed, once what it is in is durable. */
async function cut(): Promise<void> {
  if (mode !== 'setup') return
  await new Promise((resolve) => setTimeout(resolve, 300))
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => undefined)
}

/** The next host call of the code. */
function reached(): void {
  mark('reached')
  const { user, system } = process.cpuUsage()
  writeSync(1, JSON.stringify({ marks, cpu: (user + system) / 1000 }))
  process.exit()
}

/** Marks what passes between the library and its sandbox's thread. */
function watchSandbox(): void {
  const { compile } = WebAssembly
  WebAssembly.compile = async (bytes) => {
    mark('compiling')
    const module = await compile(bytes)
    mark('compiled')
    return module
  }
  let halts = 0
  before('postMessage', ([request]) => {
    const op = field(request, 'op')
    if (op === 'restore' || op === 'create') mark('opening')
  })
  before('emit', ([name, reply]) => {
    if (name === 'online') mark('online')
    if (name !== 'message') return
    const kind = field(reply, 'kind')
    if (kind === 'done') mark('opened')
    if (kind === 'halt' && ++halts === 1) mark('halted')
  })
}

/** Has `look` see the arguments of every call of a worker's method. */
function before(method: 'postMessage' | 'emit', look: (args: readonly unknown[]) => void): void {
  const was: unknown = Reflect.get(Worker.prototype, method)
  if (typeof was !== 'function') throw new TypeError(`A worker has no ${method}`)
  Reflect.set(Worker.prototype, method, function (this: Worker, ...args: readonly unknown[]): unknown {
    look(args)
    return Reflect.apply(was, this, args)
  })
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
