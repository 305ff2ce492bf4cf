/**
 * A scenario: all that a seed decides, as plain data that fast-check makes smaller. What goes wrong is a list of faults, each
 * so many operations after the one before; each seed has a few sorts of them, and workers, leases and delays of its own.
 */
import fc from 'fast-check'
import { HELPER, TOOLS, type Item, type Program } from './program.ts'

/** What happens to an operation on its way to a store, a tool or a model. */
export const FAULTS = [
  /** It never arrives, and the caller gets an error. */
  'fail',
  /** It is applied, and the caller gets an error. */
  'lost',
  /** It arrives late. */
  'slow',
  /** Its reply comes late. */
  'slow reply',
  /** The process is killed while it is under way; whether it arrives, a coin decides. */
  'kill',
  /** The process is killed when it has the reply, and has done what follows of it. */
  'kill after',
  /** The process is stopped while it is under way, and continued later. */
  'stop',
] as const

/** `intent`: a write that says that a call is being sent. `effect`: a call of a tool, or of the model. */
export const TARGETS = ['any', 'append', 'intent', 'effect'] as const

export interface Fault {
  readonly kind: (typeof FAULTS)[number]
  /** It strikes the operation so many after the one that was struck before, or the next one of its sort. */
  readonly gap: number
  readonly on: (typeof TARGETS)[number]
  readonly ms: number
}

export const COMMANDS = [
  'stop',
  'pause',
  'say',
  'interrupt',
  'edit',
  'resume',
  'drive',
  'abort',
  'fork',
  'withdraw',
] as const

/** What an author's function does after a step: look at it, pause, pause with a question, edit it. */
export const CALLBACKS = ['look', 'pause', 'ask', 'edit'] as const

/** What a person does. */
export interface Command {
  readonly kind: (typeof COMMANDS)[number]
  /** So many ms after the command before. */
  readonly gap: number
  readonly run: number
}

export interface Scenario {
  /** Decides between what is due together, and delays. */
  readonly lot: number
  readonly workers: number
  /** On one host a killed process is known to be dead; else its lease ends by its expiry. */
  readonly oneHost: boolean
  readonly ttl: number
  /** Most ms that an operation of the store takes one way. */
  readonly wire: number
  /** Most ms that a tool or a model takes one way. */
  readonly work: number
  readonly scripts: readonly (readonly Program[])[]
  /** What the agent does that the others call. */
  readonly helper: readonly Program[]
  readonly maxSteps: number
  readonly onLimit: 'finish' | 'pause' | 'fail'
  readonly onUnknownOutcome: 'ask' | 'tell'
  /** Hints are dropped, doubled and late. */
  readonly hints: 'good' | 'bad' | 'none'
  /** The model makes a plan before so many turns; 0: never. */
  readonly plansEvery: 0 | 1 | 2
  /** Whether a person approves programs: never, each of them, or those that a function picks. */
  readonly codeApproval: 'never' | 'always' | 'judge'
  readonly callbacks: readonly (typeof CALLBACKS)[number][]
  /** Whether some answers are refused. */
  readonly isChecked: boolean
  /** Whether a check asks a person about each answer. */
  readonly isSigned: boolean
  readonly faults: readonly Fault[]
  readonly commands: readonly Command[]
}

/** What is not said of an older scenario. */
export const UNSAID = {
  plansEvery: 0,
  codeApproval: 'never',
  callbacks: [],
  isChecked: false,
  isSigned: false,
} as const satisfies Partial<Scenario>

type ToolCalled = Extract<Item, { do: 'call' }>['tool']

/** `calls`: what it may call. */
function itemOf(calls: readonly ToolCalled[]): fc.Arbitrary<Item> {
  return fc.oneof(
    {
      weight: 16,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        tool: fc.constantFrom(...calls),
        caught: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('sleep' as const), ms: fc.constantFrom(200, 3_000, 40_000) }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'ask' } as const) },
    { weight: 1, arbitrary: fc.constant({ do: 'spin' } as const) },
  )
}

function programOf(item: fc.Arbitrary<Item>): fc.Arbitrary<Program> {
  return fc.record({
    strands: fc.array(fc.array(item, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
    join: fc.constantFrom('all', 'all', 'race'),
    end: fc.constantFrom('value', 'value', 'answer', 'throw'),
  })
}

const program = programOf(itemOf([...TOOLS, HELPER]))
const errand = programOf(itemOf(TOOLS))

/** Swarm: each scenario has some sorts of faults, not all. */
const faults: fc.Arbitrary<readonly Fault[]> = fc.subarray([...FAULTS], { minLength: 1 }).chain((kinds) =>
  fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      gap: fc.oneof(fc.nat(6), fc.nat(60)),
      on: fc.constantFrom(...TARGETS),
      ms: fc.constantFrom(5, 400, 4_000, 20_000, 45_000),
    }),
    { maxLength: 12 },
  ),
)

const commands: fc.Arbitrary<readonly Command[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...COMMANDS),
    gap: fc.constantFrom(0, 50, 1_000, 10_000),
    run: fc.nat(1),
  }),
  { maxLength: 5 },
)

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  lot: fc.nat(2 ** 31 - 1),
  workers: fc.integer({ min: 1, max: 4 }),
  oneHost: fc.boolean(),
  ttl: fc.constantFrom(30_000, 12_000, 4_000),
  wire: fc.constantFrom(1, 5, 100),
  work: fc.constantFrom(10, 500, 8_000),
  scripts: fc.array(fc.array(program, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  helper: fc.array(errand, { minLength: 1, maxLength: 2 }),
  maxSteps: fc.constantFrom(20, 20, 1),
  onLimit: fc.constantFrom('finish', 'pause', 'fail'),
  onUnknownOutcome: fc.constantFrom('ask', 'ask', 'tell'),
  hints: fc.constantFrom('good', 'bad', 'none'),
  plansEvery: fc.constantFrom(0, 0, 0, 1, 2),
  codeApproval: fc.constantFrom('never', 'never', 'never', 'always', 'judge'),
  callbacks: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...CALLBACKS), { minLength: 1, maxLength: 2 }) },
  ),
  isChecked: fc.constantFrom(false, false, true),
  isSigned: fc.constantFrom(false, false, true),
  faults,
  commands,
})
