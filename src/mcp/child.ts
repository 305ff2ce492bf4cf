/**
 * A server as a child process: one JSON message to a line, on its stdin and stdout.
 *
 * C1  It is the head of a process group of its own: what it starts ends with it, and a Ctrl-C of ours is not its.
 * C2  It holds the process up only while something is awaited of it; it does not outlive the process.
 * C3  A message that is too long costs its request, not the connection.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { parseJson } from '../base/json.ts'
import type { JSONRPCMessage, Transport } from './client.ts'
import { NotSent, TOO_LARGE } from './failure.ts'
import { idOf, Lines } from './lines.ts'
import type { Way } from './options.ts'

interface Around {
  readonly way: Extract<Way, { is: 'command' }>
  readonly maxBytes: number
  /** @throws for what is no message. */
  readonly read: (value: unknown) => JSONRPCMessage
  /** A line of its stderr. */
  readonly said: (line: string) => void
}

/** It ends by itself when its stdin has ended, else by SIGTERM, else by SIGKILL: ms for each. */
const GRACE = 1_000
const LONGEST_LINE = 4_000
/** What the environment of the server is made of, beside what is given. */
const PASSED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG'] as const

/** Those that live: they end with the process. */
const alive = new Set<ChildProcess>()
let isHooked = false

export class Child implements Transport {
  // What the client sets to hear of it.
  declare onclose?: () => void
  declare onerror?: (error: Error) => void
  declare onmessage?: Transport['onmessage']
  readonly #around: Around
  #child: ChildProcess | undefined
  /** What was read and is not told yet; the first is being told. */
  readonly #heard: JSONRPCMessage[] = []
  #awaited = 0
  #isOver = false

  constructor(around: Around) {
    this.#around = around
  }

  // By these two the client sees that silence, here, is an older server's.
  get pid(): number | undefined {
    return this.#child?.pid
  }
  get stderr(): Readable | null {
    return this.#child?.stderr ?? null
  }

  async start(): Promise<void> {
    const { command, args, env, cwd } = this.#around.way
    const child = spawn(command, args, {
      cwd,
      env: { ...passedOn(), ...env },
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    const lines = new Lines(this.#around.maxBytes, {
      line: (text) => this.#hear(text),
      tooLong: (head, tail) => this.#refuse(head, tail),
    })
    const errors = new Lines(LONGEST_LINE, {
      line: (text) => this.#around.said(text),
      tooLong: (head) => this.#around.said(`${head} … (cut)`),
    })
    child.stdout.on('data', (chunk: Buffer) => lines.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
    // Whoever writes hears of it; of the others their end is heard.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined)
    child.on('error', () => undefined)
    child.once('exit', () => {
      kill(child, 'SIGKILL')
      alive.delete(child)
      // What has left the group may hold its pipes for ever.
      setTimeout(() => this.#ended(), GRACE).unref()
    })
    child.once('close', () => this.#ended())
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    hook()
    alive.add(child)
    this.#hold()
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin
    if (this.#isOver || stdin === null || stdin?.writable !== true) throw new NotSent('it has ended')
    await new Promise<void>((resolve, reject) => {
      stdin.write(`${JSON.stringify(message)}\n`, (error) =>
        error === null || error === undefined ? resolve() : reject(new NotSent(error.message)),
      )
    })
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    const ended = new Promise<void>((resolve) => {
      if (hasEnded(child)) resolve()
      else child.once('exit', () => resolve())
    })
    child.stdin?.end()
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await within(GRACE, ended)) break
      kill(child, signal)
    }
    await ended
    kill(child, 'SIGKILL')
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
    this.#ended()
  }

  /** C2: something is awaited of it, until what this gives is called. */
  engage(): () => void {
    this.#awaited++
    this.#hold()
    return () => {
      this.#awaited--
      this.#hold()
    }
  }

  #hold(): void {
    const child = this.#child
    const sockets = [child?.stdin, child?.stdout, child?.stderr] as unknown as readonly (Held | undefined)[]
    for (const held of [child, ...sockets]) {
      if (this.#awaited > 0) held?.ref?.()
      else held?.unref?.()
    }
  }

  #hear(text: string): void {
    let message: JSONRPCMessage
    try {
      message = this.#around.read(parseJson(text, 'A line'))
    } catch {
      // Programs print to stdout what is no message: a note, if anything.
      this.#around.said(text.slice(0, LONGEST_LINE))
      return
    }
    this.#heard.push(message)
    if (this.#heard.length === 1) this.#tell()
  }

  /** The client takes a turn to hear a notification: what came with it, a result say, is told after that. */
  #tell(): void {
    for (let message = this.#heard[0]; message !== undefined; message = this.#heard[0]) {
      this.onmessage?.(message)
      const isNotification = !('id' in message)
      if (isNotification && !this.#isOver) {
        setImmediate(() => {
          this.#heard.shift()
          this.#tell()
        })
        return
      }
      this.#heard.shift()
    }
  }

  /** C3. */
  #refuse(head: string, tail: string): void {
    const id = idOf(head, tail)
    const message = `its answer is larger than ${this.#around.maxBytes} bytes`
    if (id === undefined) this.#around.said(`a message was not read: ${message}`)
    else this.onmessage?.({ jsonrpc: '2.0', id, error: { code: TOO_LARGE, message } })
  }

  #ended(): void {
    if (this.#isOver) return
    this.#isOver = true
    // The first has been told, and waits for its turn to end.
    for (const message of this.#heard.splice(0).slice(1)) this.onmessage?.(message)
    this.onclose?.()
  }
}

interface Held {
  ref?(): unknown
  unref?(): unknown
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Whether it comes within so many ms. */
async function within(ms: number, coming: Promise<void>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), ms)
  const first = await Promise.race([coming.then(() => true as const), late])
  clearTimeout(timer)
  return first
}

/** C1. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch {
    // All of them have ended.
  }
}

/** C2: once for all of them. */
function hook(): void {
  if (isHooked) return
  isHooked = true
  process.on('exit', () => {
    for (const child of alive) kill(child, 'SIGTERM')
  })
}

function passedOn(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    PASSED.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
