/**
 * The files that the checker is asked about: one program, those before it whose names it uses, and what they find. Each
 * is a module, so that a name may be declared again, by any kind of declaration; a name stands for the newest.
 */
import { GLOBALS, toolDeclarations, type ToolTypes } from './declarations.ts'
import { loosen, type Loose } from './loosen.ts'
import type { ReadProgram } from './read.ts'
import { doubtful } from './scan.ts'
import { FOLDER } from './server.ts'

/** A program of an earlier step. */
export interface PastProgram {
  readonly step: number
  readonly read: ReadProgram
  /** It ran to its end; else nobody can say which of its variables have their values. */
  readonly isWhole: boolean
}

export interface ProgramFiles {
  readonly files: ReadonlyMap<string, string>
  readonly program: Loose
  readonly doubtful: ReadonlySet<string>
  /** Names that were there before. */
  readonly names: ReadonlySet<string>
}

export const PROGRAM: string = `${FOLDER}/program.ts`

const CONFIG = JSON.stringify({
  compilerOptions: {
    target: 'esnext',
    module: 'esnext',
    moduleResolution: 'bundler',
    moduleDetection: 'force',
    lib: ['esnext'],
    types: [],
    strict: false,
    noImplicitAny: false,
    strictNullChecks: false,
    useUnknownInCatchVariables: false,
    allowUnreachableCode: true,
    allowUnusedLabels: true,
    noErrorTruncation: true,
    skipLibCheck: true,
    noEmit: true,
  },
  files: ['globals.d.ts', 'tools.d.ts', 'program.ts'],
})

/** `variables`: names of values that were given with a task. */
export function programFiles(
  program: ReadProgram,
  past: readonly PastProgram[],
  variables: readonly string[],
  tools: readonly ToolTypes[],
): ProgramFiles {
  const scans = [...past.map(({ read }) => read.scan), program.scan]
  const changed = doubtful(scans)
  /** Where each name comes from: a step, or nobody knows. */
  const providers = new Map<string, number | undefined>(variables.map((name) => [name, undefined]))
  const files = new Map([
    [`${FOLDER}/tsconfig.json`, CONFIG],
    [`${FOLDER}/globals.d.ts`, GLOBALS],
    [`${FOLDER}/tools.d.ts`, toolDeclarations(tools, changed)],
  ])
  for (const { step, read, isWhole } of past) {
    const { declares, functions } = read.scan
    const exported = `export { ${[...declares].join(', ')} }`
    files.set(
      pathOf(step),
      loosen(read.code, read.tree, changed, `${exported}\n${foreign(read, providers)}`).text,
    )
    for (const name of declares) providers.set(name, isWhole || functions.has(name) ? step : undefined)
  }
  const loose = loosen(program.code, program.tree, changed, `export {}\n${foreign(program, providers)}`)
  files.set(PROGRAM, loose.text)
  return { files, program: loose, doubtful: changed, names: new Set(providers.keys()) }
}

/** What a program uses of those before it. */
function foreign({ scan }: ReadProgram, providers: ReadonlyMap<string, number | undefined>): string {
  const lines: string[] = []
  for (const [name, step] of providers) {
    if (!scan.mentions.has(name) || scan.declares.has(name)) continue
    lines.push(step === undefined ? `declare var ${name}: any` : `import { ${name} } from './step${step}'`)
  }
  return lines.join('\n')
}

function pathOf(step: number): string {
  return `${FOLDER}/step${step}.ts`
}
