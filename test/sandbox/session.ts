/** A sandbox driven by hand: steps are compiled and run; calls wait until the test settles them. */
import { createHash } from 'node:crypto'
import { decode, encode } from '../../src/base/codec.ts'
import type { GuestCall, Halt } from '../../src/base/halt.ts'
import { parseJson } from '../../src/base/json.ts'
import { compile } from '../../src/sandbox/compile.ts'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import { engineDigest } from '../../src/sandbox/parts.ts'
import type { Heap, Link, Program, Sandbox, SandboxLimits } from '../../src/sandbox/sandbox.ts'
import { openHeap } from '../../src/sandbox/snapshot.ts'

export const LIMITS: SandboxLimits = {
  stepTimeout: 2_000,
  memory: 64 * 2 ** 20,
  callsPerStep: 100,
  outputChars: 20_000,
}
export const CLOCK = Date.UTC(2026, 0, 2, 3, 4, 5)

export function program(step: number, source: string): Program {
  const compiled = compile(step, source)
  if (!compiled.ok) throw new Error(compiled.error.message)
  return compiled.program
}

/** Answers of tools by name: a function of the decoded input. A thrown error rejects the call. */
export type Tools = { readonly [name: string]: (input: never) => unknown }

export class Session implements AsyncDisposable {
  readonly sandbox: Sandbox
  readonly tools: Tools
  #step = 0

  constructor(limits: Partial<SandboxLimits>, tools: Tools) {
    this.sandbox = createSandbox({ ...LIMITS, ...limits })
    this.tools = tools
  }

  /** Compiles and runs the next step, to which `variables` (an encoded record) are given; gives the first halt. */
  start(source: string, variables?: string): Promise<Halt> {
    this.#step += 1
    const given = variables === undefined ? {} : { variables }
    return this.sandbox.run(this.#step, { ...program(this.#step, source), ...given }, { clock: CLOCK })
  }

  resolve(id: string, value: unknown): Promise<Halt> {
    return this.sandbox.settle(id, { ok: true, value: encode(value) }, { clock: CLOCK })
  }

  reject(id: string, name: string, message: string): Promise<Halt> {
    return this.sandbox.settle(id, { ok: false, error: { name, message } }, { clock: CLOCK })
  }

  /** Runs a step to its end, answering calls by the tools, in the order in which they were made. */
  async step(source: string, variables?: string): Promise<Halt & { readonly kind: 'ended' }> {
    const queue: GuestCall[] = []
    let halt = await this.start(source, variables)
    for (;;) {
      if (halt.kind === 'killed') throw new Error(`killed: ${halt.reason}: ${halt.message}`)
      if (halt.kind === 'ended') return halt
      queue.push(...halt.calls)
      const call = queue.shift()
      if (call === undefined) throw new Error('The guest waits and no call is open.')
      halt = await this.#answer(call)
    }
  }

  #answer(call: GuestCall): Promise<Halt> {
    if (call.name.startsWith('$')) return this.resolve(call.id, undefined)
    const tool = this.tools[call.name]
    if (tool === undefined) throw new Error(`no tool ${call.name}`)
    try {
      return this.resolve(call.id, tool(decode(call.input) as never))
    } catch (error) {
      return this.reject(call.id, (error as Error).name, (error as Error).message)
    }
  }

  /** What a step shows: its output and its value, or its error. */
  async show(source: string, variables?: string): Promise<string> {
    const { output, ending } = await this.step(source, variables)
    switch (ending.kind) {
      case 'value':
        return output + (ending.shown ?? '')
      case 'error':
        return `${output}! ${ending.error.name}: ${ending.error.message}`
      case 'answer':
        return `${output}= ${ending.value}`
    }
  }

  heap(): Promise<Heap> {
    return heapOf(this.sandbox)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]()
  }
}

/** The heap as it stands, by way of its links. Two are equal if and only if their deltas are, byte for byte. */
export async function heapOf(sandbox: Sandbox): Promise<Heap> {
  const { packed } = await sandbox.snapshot(1, false)
  const heap = await openHeap((await packed).links, engineDigest())
  if (heap === undefined) throw new Error('The heap is of another engine')
  return heap
}

/** Links as text, for another process. */
export function writtenLinks(links: readonly Link[]): string {
  return JSON.stringify(links.map((link) => [link.position, Buffer.from(link.payload).toString('base64')]))
}

export function linksIn(text: string): readonly Link[] {
  const links = parseJson(text, 'Links') as readonly [number, string][]
  return links.map(([position, payload]) => ({ position, payload: Buffer.from(payload, 'base64') }))
}

/** A fresh guest. */
export async function session(limits: Partial<SandboxLimits> = {}, tools: Tools = {}): Promise<Session> {
  const made = new Session(limits, tools)
  await made.sandbox.open({ from: 'seed', seed: 'test', clock: CLOCK }, Object.keys(tools))
  return made
}

export function idsOf(halt: Halt): readonly string[] {
  return halt.kind === 'killed' ? [] : halt.calls.map((call) => `${call.id} ${call.name}`)
}

/** Runs sources, a step each, settles every call at once by its ordinal, and tells all halts and the heap's digest. */
export async function told(
  sandbox: Sandbox,
  sources: readonly string[],
): Promise<{ readonly halts: readonly Halt[]; readonly heap: string }> {
  const halts: Halt[] = []
  for (const [index, source] of sources.entries()) {
    let halt = await sandbox.run(index + 1, program(index + 1, source), { clock: CLOCK + index })
    const open: string[] = []
    for (;;) {
      halts.push(halt)
      if (halt.kind === 'killed') return { halts, heap: '' }
      open.push(...halt.calls.map((call) => call.id))
      const id = open.shift()
      if (halt.kind === 'ended' || id === undefined) break
      const value = encode(Number(id.split('.')[1]))
      halt = await sandbox.settle(id, { ok: true, value }, { clock: CLOCK + index + 5 })
    }
  }
  const { delta } = await heapOf(sandbox)
  return { halts, heap: createHash('sha256').update(delta).digest('hex') }
}
