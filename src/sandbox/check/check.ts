/**
 * Type errors before effects: a step's program is checked against the tools, the guest's globals and the variables of
 * earlier steps, before a line of it runs.
 *
 * T1  It never rejects what would run well. Of all that TypeScript complains about, only what is certain counts: a
 *     program that breaks what a tool declares, or that fails when it gets there (certain.ts).
 * T2  It is asked, never waited for beyond its deadline, and never throws: where it cannot say, the program runs.
 * T3  It knows only text: the tools' declarations and the sources of the steps. So it says the same in any process.
 */
import type { GuestError } from '../../base/halt.ts'
import { certainFault } from './certain.ts'
import type { Checker } from './checker.ts'
import type { ToolTypes } from './declarations.ts'
import { PROGRAM, programFiles, type PastProgram, type ProgramFiles } from './program-files.ts'
import { isKnown, knownProgram, readProgram, type ReadProgram } from './read.ts'
import { survivable } from './regions.ts'
import { faultsError, MOST_FAULTS, type Fault } from './report.ts'
import type { Diagnostic } from './server.ts'

/** An earlier step whose program ran. */
export interface PastStep {
  readonly step: number
  readonly source: string
  /** It ran to its end. */
  readonly isWhole: boolean
}

/** What a program finds. */
export interface Surroundings {
  readonly tools: readonly ToolTypes[]
  readonly past: readonly PastStep[]
  /** Names of values that were given with a task. */
  readonly variables: readonly string[]
}

/** The check of one run's programs. */
export class TypeCheck {
  readonly #checker: Checker

  constructor(checker: Checker) {
    this.#checker = checker
  }

  /** What is certainly wrong with a program; `undefined` if nothing is, or if nobody can say (T2). Never rejects. */
  async check(step: number, source: string, given: () => Surroundings): Promise<GuestError | undefined> {
    if (this.#checker.library.is !== 'usable') return undefined
    try {
      const around = given()
      const past = await this.#readPast(around.past)
      const program = readProgram(source)
      if (program === undefined || past === undefined) return undefined
      const files = programFiles(program, past, around.variables, around.tools)
      const found = await this.#checker.diagnose(files.files, PROGRAM)
      const faults = faultsOf(program, past, files, around, found ?? [])
      if (faults.length === 0) return undefined
      return faultsError(step, program, faults)
    } catch {
      return undefined
    }
  }

  /** One program at a time, so that a long run that is resumed holds nothing up. `undefined`: one cannot be read. */
  async #readPast(steps: readonly PastStep[]): Promise<readonly PastProgram[] | undefined> {
    const past: PastProgram[] = []
    for (const { step, source, isWhole } of steps) {
      if (!isKnown(source)) await new Promise((resolve) => setImmediate(resolve))
      const program = knownProgram(source)
      if (program === undefined) return undefined
      past.push({ step, program, isWhole: isWhole && !program.returns })
    }
    return past
  }
}

/** Those that are certain, in the order of the program: no more than it takes to say that there are too many. */
function faultsOf(
  program: ReadProgram,
  past: readonly PastProgram[],
  { program: loose, doubtful, names }: ProgramFiles,
  { tools }: Surroundings,
  found: readonly Diagnostic[],
): readonly Fault[] {
  if (found.length === 0) return []
  const scans = [...past.map((each) => each.program.scan), program.scan]
  const known = {
    tree: program.tree,
    tools: new Set(tools.map(({ name }) => name)),
    declared: new Set([...program.scan.binds, ...past.flatMap((each) => [...each.program.scan.declares])]),
    asked: new Set([...names, ...scans.flatMap(({ probed }) => [...probed])]),
    doubtful,
    evaluates: scans.some(({ evaluates }) => evaluates),
    isSurvivable: survivable(
      program.tree,
      program.scan,
      new Set(scans.flatMap(({ catchers }) => [...catchers])),
    ),
  }
  const faults: Fault[] = []
  for (const diagnostic of found.toSorted((one, other) => one.pos - other.pos)) {
    const at = { pos: loose.origin(diagnostic.pos), end: loose.origin(diagnostic.end) }
    const fault = certainFault(diagnostic, at, known)
    if (fault !== undefined) faults.push(fault)
    if (faults.length > MOST_FAULTS) break
  }
  return faults
}
