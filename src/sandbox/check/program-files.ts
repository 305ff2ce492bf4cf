/**
 * The files that the checker is asked about: one program, those before it whose names it uses, and what they find. Each
 * is a module, so that a name may be declared again, by any kind of declaration; a name stands for the newest.
 */
import { GLOBALS, toolDeclarations, type ToolTypes } from './declarations.ts'
import { loosen, type Loose } from './loosen.ts'
import type { KnownProgram, ReadProgram } from './read.ts'
import { doubtful, type Scan } from './scan.ts'
import { FOLDER } from './server.ts'

/** A program of an earlier step. */
export interface PastProgram {
  readonly step: number
  readonly program: KnownProgram
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
  const changed = doubtful([...past.map((each) => each.program.scan), program.scan])
  const loose = loosen(program.code, program.tree, changed)
  const files = new Map([
    [`${FOLDER}/tsconfig.json`, CONFIG],
    [`${FOLDER}/globals.d.ts`, GLOBALS],
    [`${FOLDER}/tools.d.ts`, toolDeclarations(tools, changed)],
  ])
  /** Where each name comes from: a step, or nobody knows. */
  const providers = new Map<string, number | undefined>(variables.map((name) => [name, undefined]))
  const modules = new Map<number, Module>()
  for (const { step, program: known, isWhole } of past) {
    const { scan } = known
    const used = usedFrom(scan, providers)
    modules.set(step, {
      used,
      text: () => `${known.text(changed)}\nexport { ${[...scan.declares].join(', ')} }\n${imports(used)}`,
    })
    for (const name of scan.declares)
      providers.set(name, isWhole || scan.functions.has(name) ? step : undefined)
  }
  const used = usedFrom(program.scan, providers)
  files.set(PROGRAM, `${loose.text}\nexport {}\n${imports(used)}`)
  const needed = new Set(used.values())
  for (const step of needed) {
    const module = step === undefined ? undefined : modules.get(step)
    if (step === undefined || module === undefined) continue
    files.set(`${FOLDER}/step${step}.ts`, module.text())
    for (const more of module.used.values()) needed.add(more)
  }
  return { files, program: loose, doubtful: changed, names: new Set(providers.keys()) }
}

interface Module {
  readonly used: ReadonlyMap<string, number | undefined>
  readonly text: () => string
}

/** What a program uses of those before it. */
function usedFrom(
  { mentions, declares }: Scan,
  providers: ReadonlyMap<string, number | undefined>,
): ReadonlyMap<string, number | undefined> {
  return new Map([...providers].filter(([name]) => mentions.has(name) && !declares.has(name)))
}

function imports(used: ReadonlyMap<string, number | undefined>): string {
  return [...used]
    .map(([name, step]) =>
      step === undefined ? `declare var ${name}: any` : `import { ${name} } from './step${step}'`,
    )
    .join('\n')
}
