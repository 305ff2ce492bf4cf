/**
 * A run that is attacked: a step that leaves something in the heap, the step that means harm, and a step that looks
 * whether the heap is the one from before. What the model was told, how long it took, and what it cost the process.
 */
import { memoryStore, PersistentCodeAgent, tool, type RunResult, type Store } from '../../../src/index.ts'
import { listeningModel, must } from '../../e2e/fixtures/bench.ts'

export interface Seen {
  /** What the model read after the step. */
  readonly saw: string
  /** From the model's reply until it was asked again. */
  readonly ms: number
  /** By how many bytes the process grew while the step ran, at most. */
  readonly grew: number
  /** What the process held then, bytes. */
  readonly peak: number
  /** The next step found the heap from before, and could go on with it. */
  readonly goesOn: boolean
  /** What the tools were given, in order. */
  readonly inputs: readonly unknown[]
  readonly result: RunResult
}

const LIMITS = { stepTimeout: 300, memory: '32MB', callsPerStep: 50, outputChars: 2_000 } as const

const BEFORE = `const kept = { list: [1, 2], map: new Map([['k', new Date(5)]]) }
const grow = () => kept.list.push(kept.list.length + 1)`
const AFTER = 'grow(); finalAnswer([kept.list, kept.map.get("k").getTime()])'

/** How often the process is measured, ms. */
const PERIOD = 5

export async function attacked(code: string, given: { readonly store?: Store } = {}): Promise<Seen> {
  const asked: number[] = []
  const inputs: unknown[] = []
  const { model, calls } = listeningModel([BEFORE, code, AFTER])
  const stream = model.doStream.bind(model)
  model.doStream = (...args) => {
    asked.push(performance.now())
    return stream(...args)
  }
  const { store = memoryStore() } = given
  await using agent = new PersistentCodeAgent({ model, store, tools: tools(inputs), limits: LIMITS })
  const before = process.memoryUsage.rss()
  let peak = before
  const measuring = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), PERIOD)
  try {
    const result = await agent.run('Work')
    const goesOn = result.status === 'completed' && JSON.stringify(result.output) === '[[1,2,3],5]'
    const last = must(calls[2], 'a step after the attack')
    const ms = (asked[2] ?? 0) - (asked[1] ?? 0)
    return { saw: textOf(last.prompt.at(-1)), ms, grew: peak - before, peak, goesOn, inputs, result }
  } finally {
    clearInterval(measuring)
  }
}

type Tool = ReturnType<typeof tool>

function tools(inputs: unknown[]): Tool[] {
  const noted = (name: string, execute: (input: unknown) => unknown): Tool =>
    tool({
      name,
      description: name,
      effect: 'read',
      needsApproval: (input) => {
        inputs.push(input)
        return false
      },
      execute: (input) => {
        inputs.push(input)
        return execute(input)
      },
    })
  return [
    noted('echo', (input) => input),
    noted('fails', () => {
      throw Object.assign(new Error('open /home/ada/.ssh/id_rsa failed'), {
        stack: 'Error\n at sk-token-1234',
      })
    }),
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
    noted('odd', () => ({ then: 'no function', minus: -0, lone: '\ud800', nul: 'a\0b', bidi: '\u202eevil' })),
    noted('forged', () => {
      const error = new RangeError('forged')
      error.stack = 'RangeError: forged\n    at Object.secret (/srv/app/host.js:1:1)'
      return { error }
    }),
  ]
}

/** All the text in a message. */
function textOf(message: unknown): string {
  if (typeof message !== 'object' || message === null) return ''
  return Object.entries(message)
    .map(([key, value]) => {
      if (typeof value !== 'string') return textOf(value)
      return key === 'text' || key === 'value' ? value : ''
    })
    .filter((text) => text !== '')
    .join('\n')
}
