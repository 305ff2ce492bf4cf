/**
 * Places where a crash matters, by name. In production `faultPoint` does nothing; a test that kills processes names one
 * in the environment of its child, and the child is killed there.
 *
 * `PCA_FAULT_POINT` is read once, when this module is loaded:
 *   `list <file>`        appends a line `<name> <about>` for every hit
 *   `kill <name> <n>`    the process is killed (SIGKILL) at the n-th hit of that name, from 1
 *   `stop <name> <n>`    it is stopped (SIGSTOP) there, until somebody continues it
 *   `throw <name> <n>`   an error is thrown there
 *   `hang <name> <n>`    this thread stands still there, for ever
 */
import { appendFileSync } from 'node:fs'

/** Every point, and the row of the crash matrix (docs/reliability.md) that it stands for. */
export const FAULT_POINTS = {
  // Creating a run.
  'run-unwritten': 'C0',
  'run-written': 'C1',
  'fork-unwritten': 'C10',
  'fork-written': 'C10',
  'run-unremoved': 'C11',
  'run-removed': 'C11',
  // The right to drive it.
  'lease-unclaimed': 'C8',
  'lease-claimed': 'C8',
  'lease-unrenewed': 'C8',
  'lease-unreleased': 'C8',
  'run-recovered': 'C5',
  'guest-opened': 'C5',
  // An effect: a call of a tool, a request to the model, a function of the author.
  'intent-unwritten': 'C0',
  'effect-unsent': 'C1',
  'call-sent': 'C2',
  'effect-settled': 'C3',
  'timer-fired': 'C3',
  // The journal.
  'commit-unwritten': 'C5',
  'transaction-unwritten': 'C5',
  'transaction-written': 'C8',
  'commit-unacknowledged': 'C8',
  'commit-acknowledged': 'C4',
  // The guest and its heap.
  'delivery-unmade': 'C4',
  'delivery-made': 'C5',
  'snapshot-taken': 'C6',
  'snapshot-packed': 'C6',
  'checkpoint-half-written': 'C6',
  'checkpoint-moved': 'C7',
  'step-unkilled': 'C14',
  'step-undone': 'C14',
  // What comes from outside.
  'answer-unwritten': 'C12',
  'answer-written': 'C12',
  'signal-unwritten': 'C13',
  'signal-written': 'C13',
  'signals-read': 'C12',
  'run-unstopped': 'C13',
  'flights-unaborted': 'C13',
  'run-unrested': 'C5',
} as const

export type FaultPoint = keyof typeof FAULT_POINTS

/** `about`: the effect class of the call, or the sort of effect, that is at this point. */
type Strike = (name: FaultPoint, about: string) => void

const strike = strikeOf(process.env['PCA_FAULT_POINT'])

export function faultPoint(name: FaultPoint, about = ''): void {
  strike?.(name, about)
}

/** @throws {TypeError} for a plan that would never strike: a test that kills nothing proves nothing. */
function strikeOf(plan: string | undefined): Strike | undefined {
  if (plan === undefined || plan === '') return undefined
  const [act, what = '', nth = ''] = plan.split(' ')
  if (act === 'list') return (name, about) => appendFileSync(plan.slice(act.length + 1), `${name} ${about}\n`)
  const at = Number(nth)
  if (!Object.hasOwn(FAULT_POINTS, what) || !Number.isSafeInteger(at) || at < 1)
    throw new TypeError(`PCA_FAULT_POINT: there is no '${plan}'.`)
  let hits = 0
  return (name) => {
    if (name === what && ++hits === at) strikeNow(act, name)
  }
}

function strikeNow(act: string | undefined, name: FaultPoint): void {
  switch (act) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL')
      return
    case 'stop':
      process.kill(process.pid, 'SIGSTOP')
      return
    case 'hang':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      return
    default:
      throw new Error(`The fault point ${name}`)
  }
}
