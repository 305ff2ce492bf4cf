/**
 * One process of the resume benchmark: `setup` makes a run that stands after many calls of one step, `resume` goes on
 * with it and says, at its next host call, when that was.
 *
 * Arguments: setup | resume, the URL of the library, the state file, the calls, rest | kill, plain | ajv.
 * The marks are taken here, around what the library uses of Node, never in it.
 */
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { instant } from './measure.ts'
import { instantModel } from './model.ts'

type Library = typeof import('../src/index.ts')

const [mode = '', url = '', path = '', calls = '', how = '', schema = ''] = process.argv.slice(2)
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
const library = (await import(url)) as Library
mark('loaded')
const { AgentPausedException, PersistentCodeAgent, tool } = library

const code = `let sum = 0
for (let i = 0; i < ${Number(calls)}; i++) sum += (await get({ n: i })).length
await ${how === 'rest' ? 'gate' : 'cut'}({ n: 0 })
await mark({ n: sum })`

const options = {
  model: instantModel(() => code),
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
  WebAssembly.compile = async (...args) => {
    mark('compiling')
    const module = await compile(...args)
    mark('compiled')
    return module
  }
  const post = Worker.prototype.postMessage
  let halts = 0
  Worker.prototype.postMessage = function (this: Worker, ...args: Parameters<Worker['postMessage']>): void {
    const [request] = args as readonly unknown[]
    const op: unknown =
      typeof request === 'object' && request !== null ? Reflect.get(request, 'op') : undefined
    if (op === 'restore' || op === 'create') mark('opening')
    post.apply(this, args)
  }
  const emit = Worker.prototype.emit
  Worker.prototype.emit = function (this: Worker, name: string | symbol, ...args: unknown[]): boolean {
    if (name === 'online') mark('online')
    const [reply] = args
    if (name === 'message' && typeof reply === 'object' && reply !== null) {
      const kind: unknown = Reflect.get(reply, 'kind')
      if (kind === 'done') mark('opened')
      if (kind === 'halt' && ++halts === 1) mark('halted')
    }
    return emit.call(this, name, ...args)
  }
}
