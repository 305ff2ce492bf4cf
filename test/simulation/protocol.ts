/**
 * The protocol of a call that may happen once, as a machine so small that all of its states can be visited: two workers,
 * a lease, an intent, an effect in the world, a result, and a person who looks before answering. Workers are killed and
 * stopped at any time, and the power fails. Changes of the protocol are tried here first.
 */

/** What the protocol does; each part that is left out has its counter-example. */
export interface Protocol {
  /** An intent is written before the effect. */
  readonly intent: boolean
  /** What was written survives the loss of power. */
  readonly durable: boolean
  /** Writes of an epoch that is not current are refused. */
  readonly fence: boolean
  /** A second result is refused. */
  readonly unique: boolean
  /** A call whose sender is gone: it is sent again, or a person is asked. */
  readonly doubt: 'send' | 'ask'
  /** "Send it again" is refused while the old sender may still send. */
  readonly quarantine: boolean
  /** Directly before the effect the sender looks whether its lease can still be its own. */
  readonly deadline: boolean
  /** The world takes two effects under one key for one. */
  readonly keyed: boolean
}

interface Worker {
  readonly at: 'idle' | 'driving' | 'sending' | 'sent'
  readonly epoch: number
  readonly stopped: boolean
}

interface Machine {
  readonly epoch: number
  /** Who holds the lease; -1: nobody. */
  readonly holder: number
  readonly intent: 'none' | 'written'
  readonly question: boolean
  /** A person has said "send it again". */
  readonly released: boolean
  readonly effects: number
  readonly results: number
  readonly workers: readonly [Worker, Worker]
  /** Mishaps that may still come: they bound the machine. */
  readonly mishaps: number
}

interface Step {
  readonly what: string
  readonly to: Machine
}

export interface Checked {
  readonly states: number
  /** The shortest way to a state that breaks a promise. */
  readonly broken?: { readonly promise: string; readonly trace: readonly string[] }
}

const IDLE: Worker = { at: 'idle', epoch: 0, stopped: false }
const START: Machine = {
  epoch: 0,
  holder: -1,
  intent: 'none',
  question: false,
  released: false,
  effects: 0,
  results: 0,
  workers: [IDLE, IDLE],
  mishaps: 3,
}
/** So many epochs are enough for every mishap to hit a new driver. */
const EPOCHS = 4

/** Visits every state that the protocol can reach, nearest first. */
export function check(protocol: Protocol): Checked {
  const seen = new Set([JSON.stringify(START)])
  let edge: readonly { readonly machine: Machine; readonly trace: readonly string[] }[] = [
    { machine: START, trace: [] },
  ]
  while (edge.length > 0) {
    const next: { readonly machine: Machine; readonly trace: readonly string[] }[] = []
    for (const { machine, trace } of edge) {
      const promise = broken(machine)
      if (promise !== undefined) return { states: seen.size, broken: { promise, trace } }
      for (const { what, to } of steps(machine, protocol)) {
        const key = JSON.stringify(to)
        if (seen.has(key)) continue
        seen.add(key)
        next.push({ machine: to, trace: [...trace, what] })
      }
    }
    edge = next
  }
  return { states: seen.size }
}

function broken({ effects, results }: Machine): string | undefined {
  if (effects > 1) return 'it happened twice'
  return results > 1 ? 'two results were accepted' : undefined
}

function steps(machine: Machine, protocol: Protocol): readonly Step[] {
  return [
    ...[0, 1].flatMap((index) => workerSteps(machine, index, protocol)),
    ...worldSteps(machine, protocol),
  ]
}

function workerSteps(machine: Machine, index: number, protocol: Protocol): readonly Step[] {
  const worker = machine.workers[index]
  if (worker === undefined) return []
  const name = `worker ${index + 1}`
  const become = (change: Partial<Worker>, more: Partial<Machine> = {}): Machine =>
    withWorker({ ...machine, ...more }, index, { ...worker, ...change })
  const mishaps: Step[] = []
  if (machine.mishaps > 0) {
    const fewer = { mishaps: machine.mishaps - 1 }
    if (worker.at !== 'idle') {
      const holder = machine.holder === index ? -1 : machine.holder
      mishaps.push({ what: `${name} is killed`, to: become(IDLE, { ...fewer, holder }) })
    }
    if (!worker.stopped && worker.at !== 'idle')
      mishaps.push({ what: `${name} is stopped`, to: become({ stopped: true }, fewer) })
  }
  if (worker.stopped) return [...mishaps, { what: `${name} goes on`, to: become({ stopped: false }) }]
  return [
    ...mishaps,
    ...nextOf(machine, index, worker, protocol, become).map((step) => ({
      ...step,
      what: `${name} ${step.what}`,
    })),
  ]
}

type Become = (change: Partial<Worker>, more?: Partial<Machine>) => Machine

function nextOf(
  machine: Machine,
  index: number,
  worker: Worker,
  protocol: Protocol,
  become: Become,
): readonly Step[] {
  const isMine = machine.holder === index && machine.epoch === worker.epoch
  const mayWrite = !protocol.fence || isMine
  switch (worker.at) {
    case 'idle':
      return claim(machine, index, become)
    case 'driving': {
      if (machine.results > 0) return [{ what: 'sees the result', to: become(IDLE) }]
      if (!protocol.intent) return [{ what: 'begins', to: become({ at: 'sending' }) }]
      if (!mayWrite) return [{ what: 'is refused', to: become(IDLE) }]
      if (machine.intent === 'none' || machine.released)
        return [
          {
            what: 'writes its intent',
            to: become({ at: 'sending' }, { intent: 'written', released: false }),
          },
        ]
      if (protocol.doubt === 'send') return [{ what: 'sends it again', to: become({ at: 'sending' }) }]
      return machine.question ? [] : [{ what: 'asks a person', to: become({}, { question: true }) }]
    }
    case 'sending': {
      if (protocol.deadline && !isMine) return [{ what: 'sees that its lease is over', to: become(IDLE) }]
      const effects = protocol.keyed ? 1 : machine.effects + 1
      return [{ what: 'sends: it happens', to: become({ at: 'sent' }, { effects }) }]
    }
    case 'sent': {
      const isAccepted = mayWrite && (!protocol.unique || machine.results === 0)
      return isAccepted
        ? [
            {
              what: 'writes the result',
              to: become(IDLE, { results: machine.results + 1, question: false }),
            },
          ]
        : [{ what: 'is refused', to: become(IDLE) }]
    }
    default:
      return worker.at satisfies never
  }
}

/** A lease is free, or its holder has not renewed it for long: it is stopped. */
function claim(machine: Machine, index: number, become: Become): readonly Step[] {
  const { holder, epoch, workers } = machine
  const isFree = holder === -1 || holder === index || workers[holder]?.stopped === true
  if (!isFree || epoch >= EPOCHS || machine.results > 0) return []
  return [
    {
      what: 'takes the lease',
      to: become({ at: 'driving', epoch: epoch + 1 }, { epoch: epoch + 1, holder: index }),
    },
  ]
}

function worldSteps(machine: Machine, protocol: Protocol): readonly Step[] {
  const found: Step[] = []
  if (machine.mishaps > 0) {
    const lost = protocol.durable ? {} : { intent: 'none' as const, released: false, question: false }
    found.push({
      what: 'the power fails',
      to: { ...machine, ...lost, holder: -1, workers: [IDLE, IDLE], mishaps: machine.mishaps - 1 },
    })
  }
  if (!machine.question || machine.results > 0) return found
  if (machine.effects > 0) {
    const results = machine.results + 1
    return [
      ...found,
      { what: 'a person sees that it happened', to: { ...machine, question: false, results } },
    ]
  }
  const maySend = machine.workers.some((worker) => worker.at === 'sending')
  if (protocol.quarantine && maySend) return found
  return [
    ...found,
    {
      what: 'a person sees that it did not happen, and says "send it again"',
      to: { ...machine, question: false, released: true },
    },
  ]
}

function withWorker(machine: Machine, index: number, worker: Worker): Machine {
  const [one, other] = machine.workers
  return { ...machine, workers: index === 0 ? [worker, other] : [one, worker] }
}
