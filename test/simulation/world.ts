/**
 * The simulated world: one list of what is to happen, a clock that jumps to the next of it, and processes that can be
 * killed, stopped and continued between any two of their steps.
 *
 * W1  Everything that happens outside a process (a reply, a timer, an effect) is a task of the world, and the world runs
 *     one at a time; before the next one, all that it led to in the processes has been done (microtasks drained).
 * W2  Which of the tasks that are due together comes first, the seed decides. So a seed is a trace.
 * W3  A killed process never runs again: what it waits for is never answered. A stopped one finds its tasks waiting.
 */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/base/clock.ts'
import type { Random } from './random.ts'

interface Task {
  readonly at: number
  readonly tie: number
  readonly what: string
  /** Only for this process, while it lives and is not stopped. */
  readonly process: Process | undefined
  run(): Promise<void> | void
}

export class World {
  readonly random: Random
  readonly lines: string[] = []
  /** What went wrong, in the order in which it was seen. */
  readonly violations: string[] = []
  readonly #tasks: Task[] = []
  readonly #coverage = new Map<string, number>()
  #now = 0
  #over = false

  constructor(random: Random) {
    this.random = random
  }

  /** Ms since the world began. */
  get now(): number {
    return this.#now
  }

  get coverage(): ReadonlyMap<string, number> {
    return this.#coverage
  }

  /** Two runs of the same seed have the same. */
  get hash(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex')
  }

  note(line: string): void {
    this.lines.push(`${this.#now} ${line}`)
  }

  /** Something that has to be reached now and then was reached. */
  reached(what: string): void {
    this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1)
  }

  violation(what: string): void {
    this.note(`VIOLATION ${what}`)
    this.violations.push(what)
  }

  after(ms: number, what: string, run: Task['run'], process?: Process): void {
    this.#put({ at: this.#now + Math.max(0, ms), tie: this.random.below(2 ** 30), what, process, run })
  }

  end(): void {
    this.#over = true
  }

  /** Until nothing is left to happen, or `end`, or too much has. */
  async run(most: number): Promise<void> {
    await setImmediate()
    for (let count = 0; !this.#over; count++) {
      const task = this.#take()
      if (task === undefined) return
      if (count >= most) {
        this.violation(`It never comes to an end: ${most} tasks, the last one is ${task.what}`)
        return
      }
      this.#now = Math.max(this.#now, task.at)
      const { process } = task
      if (process !== undefined && !process.isAlive) continue
      if (process?.isStopped === true) {
        process.backlog.push(() => this.after(0, task.what, task.run, process))
        continue
      }
      this.note(task.what)
      await task.run()
      await setImmediate() // W1
      if (this.violations.length > 0) return
    }
  }

  /** A binary heap, by time and then by lot (W2). */
  #put(task: Task): void {
    const tasks = this.#tasks
    let at = tasks.push(task) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = tasks[above]
      if (other === undefined || !isBefore(task, other)) break
      tasks[at] = other
      at = above
    }
    tasks[at] = task
  }

  #take(): Task | undefined {
    const tasks = this.#tasks
    const [first] = tasks
    const last = tasks.pop()
    if (first === undefined || last === undefined || first === last) return first
    let at = 0
    for (;;) {
      const [left, right] = [tasks[2 * at + 1], tasks[2 * at + 2]]
      if (left === undefined) break
      const isRight = right !== undefined && isBefore(right, left)
      const least = isRight ? right : left
      if (!isBefore(least, last)) break
      tasks[at] = least
      at = 2 * at + (isRight ? 2 : 1)
    }
    tasks[at] = last
    return first
  }
}

function isBefore(one: Task, other: Task): boolean {
  return one.at < other.at || (one.at === other.at && one.tie < other.tie)
}

/** What the processes of one machine are to each other: alive, stopped, or certainly dead. */
export class Process {
  readonly name: string
  readonly host: string
  readonly backlog: (() => void)[] = []
  readonly clock: Clock
  /** Called at its death: threads of its own. */
  readonly atDeath: (() => void)[] = []
  readonly #world: World
  #state: 'alive' | 'stopped' | 'dead' = 'alive'

  constructor(world: World, name: string, host: string) {
    this.name = name
    this.host = host
    this.#world = world
    this.clock = {
      now: () => world.now,
      after: (ms, onDue, abortSignal) => {
        if (abortSignal.aborted) return
        const run = (): void => {
          if (!abortSignal.aborted) onDue()
        }
        world.after(ms, `${name} timer`, run, this)
      },
    }
  }

  get isAlive(): boolean {
    return this.#state !== 'dead'
  }

  get isStopped(): boolean {
    return this.#state === 'stopped'
  }

  kill(): void {
    if (this.#state === 'dead') return
    this.#world.note(`${this.name} is killed`)
    this.#state = 'dead'
    this.backlog.length = 0
    for (const end of this.atDeath.splice(0)) end()
  }

  stop(): void {
    if (this.#state !== 'alive') return
    this.#world.note(`${this.name} is stopped`)
    this.#state = 'stopped'
  }

  goOn(): void {
    if (this.#state !== 'stopped') return
    this.#world.note(`${this.name} goes on`)
    this.#state = 'alive'
    for (const resume of this.backlog.splice(0)) resume()
  }
}
