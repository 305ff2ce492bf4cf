/**
 * A tool that runs a command of the shell.
 *
 * It is no sandbox: a command may do what the process may do. So a person approves each, unless the author says otherwise.
 */
import { spawn } from 'node:child_process'
import { milliseconds, type Duration } from '../base/duration.ts'
import { ToolError, UsageError } from '../base/errors.ts'
import { resolved } from '../tool/secret.ts'
import { tool, type ToolDefinition } from '../tool/tool.ts'
import { Root } from './root.ts'

export interface ShellOptions {
  /** Where commands run. */
  readonly cwd: string
  /** How long a command may take. Default `'2m'`. */
  readonly timeout?: Duration
  /** Characters of each stream that are kept, head and tail. Default 100 000. */
  readonly maxOutput?: number
  /**
   * The whole environment of the commands. Default: `PATH`, `HOME`, `LANG` and `TERM=dumb`; no secrets. A value may hold
   * references, `secret('NAME')`: the command has the secret, and so has whoever it sends it to.
   */
  readonly env?: Readonly<Record<string, string>>
  /** Whether a person approves each command. Default: true. A function decides by the command. */
  readonly needsApproval?: boolean | ((command: string) => boolean)
}

/** After SIGTERM, a command has so long until SIGKILL. */
const GRACE = 2_000

interface Ran {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** `shell(command)`: `{ exitCode, signal, stdout, stderr }`. @throws {UsageError} `cwd` is no folder, or this is Windows. */
export function shell(options: ShellOptions): ToolDefinition {
  const { cwd, timeout = '2m', maxOutput = 100_000, env = safeEnvironment(), needsApproval = true } = options
  if (process.platform === 'win32')
    throw new UsageError('shell() runs commands with /bin/sh, which is not there on Windows.', {
      hint: 'Write a tool of your own, or run the agent in WSL.',
    })
  const folder = new Root(cwd).path
  const most = milliseconds(timeout, 'timeout of the shell')
  return tool<string, Ran>({
    name: 'shell',
    description: `Runs a command with sh, for at most ${most / 1_000} s. An exit code other than 0 is no error`,
    inputSchema: { type: 'string', minLength: 1, description: 'The command line.' },
    outputSchema: {
      type: 'object',
      properties: {
        exitCode: { type: ['integer', 'null'], description: 'null: ended by a signal.' },
        signal: { type: ['string', 'null'] },
        stdout: { type: 'string' },
        stderr: { type: 'string' },
      },
      required: ['exitCode', 'signal', 'stdout', 'stderr'],
    },
    // What leads out is approved as a command, or vouched for by whoever lets it through.
    touches: ['private', 'untrusted'],
    needsApproval: (command) => ({
      required: typeof needsApproval === 'function' ? needsApproval(command) : needsApproval,
      message: `Run this in ${folder}?\n$ ${command}`,
    }),
    execute: async (command, { abortSignal, secret }) => {
      const filled: [string, string][] = []
      for (const [name, value] of Object.entries(env)) filled.push([name, await resolved(value, secret)])
      return run(command, { folder, env: Object.fromEntries(filled), most, maxOutput, abortSignal })
    },
  })
}

interface Bounds {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly most: number
  readonly maxOutput: number
  readonly abortSignal: AbortSignal
}

async function run(command: string, { folder, env, most, maxOutput, abortSignal }: Bounds): Promise<Ran> {
  abortSignal.throwIfAborted()
  // A group of its own: what the command starts ends with it.
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr] = [new Ends(maxOutput), new Ends(maxOutput)]
  child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.add(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.add(text))
  const over = AbortSignal.any([abortSignal, AbortSignal.timeout(most)])
  const timers: NodeJS.Timeout[] = []
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // All of them have ended.
    }
  }
  const onOver = (): void => {
    kill('SIGTERM')
    timers.push(setTimeout(() => kill('SIGKILL'), GRACE))
  }
  over.addEventListener('abort', onOver, { once: true })
  try {
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
      (resolve, reject) => {
        child.once('error', reject)
        // Not `close`: something that it left behind may hold its pipes for ever.
        child.once('exit', (code, by) => setImmediate(() => resolve([code, by])))
      },
    )
    abortSignal.throwIfAborted()
    if (over.aborted)
      throw new ToolError(
        `The command was ended after ${most / 1_000} s. Until then it had printed:\n${stdout.text}${stderr.text}`,
      )
    return { exitCode, signal, stdout: stdout.text, stderr: stderr.text }
  } finally {
    over.removeEventListener('abort', onOver)
    for (const timer of timers) clearTimeout(timer)
    // What it started and left behind goes too.
    kill('SIGKILL')
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

/** The head and the tail of a text that comes in pieces. */
class Ends {
  readonly #half: number
  #head = ''
  #tail = ''
  #cut = 0

  constructor(most: number) {
    this.#half = Math.floor(most / 2)
  }

  add(text: string): void {
    const room = this.#half - this.#head.length
    this.#head += text.slice(0, Math.max(0, room))
    this.#tail += text.slice(Math.max(0, room))
    if (this.#tail.length <= this.#half) return
    this.#cut += this.#tail.length - this.#half
    this.#tail = this.#tail.slice(-this.#half)
  }

  get text(): string {
    return this.#cut === 0
      ? this.#head + this.#tail
      : `${this.#head}\n… ${this.#cut} characters cut …\n${this.#tail}`
  }
}

function safeEnvironment(): Readonly<Record<string, string>> {
  const { PATH = '/usr/bin:/bin', HOME = '/', LANG = 'C.UTF-8' } = process.env
  return { PATH, HOME, LANG, TERM: 'dumb' }
}
