/**
 * The process's one type checker: started when somebody is about to need it, warm from run to run, ended when nobody
 * has asked for a while.
 *
 * K1  It answers in time or not at all. A program that it does not answer for runs unchecked.
 * K2  One that was late or died is replaced at the next question; after some that never answered, not so soon.
 */
import { ABSENT_LIBS } from './declarations.ts'
import { findLibrary, type Library } from './library.ts'
import { Server, type Diagnostic } from './server.ts'

export interface CheckerLimits {
  /** How long an answer may take, in ms, once one has come. */
  readonly warm: number
  /** How long the first may take, with the start. */
  readonly cold: number
  /** How long it is kept without being asked. */
  readonly idle: number
}

const LIMITS: CheckerLimits = { warm: 1_000, cold: 5_000, idle: 60_000 }
/** After so many starts without one answer it is left alone for a while. */
const TRIES = 3
const REST = 60_000

export class Checker {
  readonly #limits: CheckerLimits
  readonly #library: () => Library
  #found: Library | undefined
  #server: Server | undefined
  #isWarm = false
  #queue: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined
  #failures = 0
  #restsUntil = 0

  constructor(limits: Partial<CheckerLimits> = {}, library: () => Library = findLibrary) {
    this.#limits = { ...LIMITS, ...limits }
    this.#library = library
  }

  /** What is installed; looked for once. */
  get library(): Library {
    this.#found ??= this.#library()
    return this.#found
  }

  /** The process that answers, if one is up. */
  get pid(): number | undefined {
    return this.#server?.isDead === false ? this.#server.pid : undefined
  }

  /** What is wrong with `file` among `files`; `undefined` where nobody can say (K1). Never rejects. */
  async diagnose(
    files: ReadonlyMap<string, string>,
    file: string,
  ): Promise<readonly Diagnostic[] | undefined> {
    const answer = this.#queue.then(async () => this.#answer(files, file))
    this.#queue = answer
    return answer
  }

  end(): void {
    clearTimeout(this.#idle)
    this.#server?.end()
    this.#server = undefined
    this.#isWarm = false
  }

  async #answer(
    files: ReadonlyMap<string, string>,
    file: string,
  ): Promise<readonly Diagnostic[] | undefined> {
    try {
      const server = this.#open()
      if (server === undefined) return undefined
      clearTimeout(this.#idle)
      const { warm, cold, idle } = this.#limits
      const found = await server.diagnose(files, file, this.#isWarm ? warm : cold)
      if (found === undefined) this.#failed()
      else {
        this.#isWarm = true
        this.#failures = 0
        this.#idle = setTimeout(() => this.end(), idle)
        this.#idle.unref()
      }
      return found
    } catch {
      this.#failed()
      return undefined
    }
  }

  #open(): Server | undefined {
    if (this.#server?.isDead === false) return this.#server
    this.#isWarm = false
    if (performance.now() < this.#restsUntil) return undefined
    const { library } = this
    this.#server = library.is === 'usable' ? new Server(library, ABSENT_LIBS) : undefined
    return this.#server
  }

  /** K2. */
  #failed(): void {
    const wasWarm = this.#isWarm
    this.end()
    this.#failures = wasWarm ? 0 : this.#failures + 1
    if (this.#failures >= TRIES) this.#restsUntil = performance.now() + REST
  }
}

let shared: Checker | undefined

/** The checker that all runs of this process share. */
export function sharedChecker(): Checker {
  shared ??= new Checker()
  return shared
}
