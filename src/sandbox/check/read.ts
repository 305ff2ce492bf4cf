/** Programs, read for the type check: their JavaScript, their trees, and what they do with names and values. */
import { layOut } from '../edits.ts'
import { namespaceEdits } from '../namespaces.ts'
import type { SourceMap } from '../source-map.ts'
import { strip, type Stripped } from '../strip.ts'
import { bindingNames, innerOf, parseProgram, type Tree } from '../tree.ts'
import { loosen } from './loosen.ts'
import { scan, type Scan } from './scan.ts'

export interface ReadProgram {
  /** As the model wrote it, with the language's own line breaks. */
  readonly source: string
  /** Without types. */
  readonly code: string
  /** From the code to the source, if the code was reprinted. */
  readonly map?: SourceMap
  readonly tree: Tree
  readonly scan: Scan
}

/** Longer ones run unchecked: what comes of them is no program of a model's own. */
const MAX_SOURCE = 100_000

/** `undefined` for what cannot be read, or not in good time. */
export function readProgram(given: string): ReadProgram | undefined {
  if (given.length > MAX_SOURCE) return undefined
  const source = given.replace(/\r\n?/g, '\n')
  try {
    const stripped = strip(source)
    if (!stripped.ok) return undefined
    const { code, map } = merged(stripped)
    const { tree } = parseProgram(code)
    return { source, code, ...(map === undefined ? {} : { map }), tree, scan: scanOf(tree) }
  } catch {
    // Nested too deeply for the parser, or for those who read its tree.
    return undefined
  }
}

/** With the parts of a namespace that see each other. */
function merged({ code, map }: Stripped & { readonly ok: true }): {
  readonly code: string
  readonly map?: SourceMap
} {
  if (map === undefined) return { code }
  const { text, map: moved } = layOut(code, namespaceEdits(code, parseProgram(code).tree), map)
  return { code: text, ...(moved === undefined ? {} : { map: moved }) }
}

function scanOf(tree: Tree): Scan {
  const names: string[] = [...innerOf(tree).vars]
  const functions: string[] = []
  for (const statement of tree.body) {
    const node = 'declaration' in statement && statement.declaration ? statement.declaration : statement
    if (node.type === 'FunctionDeclaration' && node.id) functions.push(node.id.name)
    else if (node.type === 'ClassDeclaration' && node.id) names.push(node.id.name)
    else if (node.type === 'VariableDeclaration')
      names.push(...node.declarations.flatMap(({ id }) => bindingNames(id)))
  }
  return scan(tree, [...new Set(names)], functions)
}

/** A program that ran. Its tree is not kept: it is many times as large as its text. */
export class KnownProgram {
  readonly scan: Scan
  /** A `return` may have ended it anywhere. */
  readonly returns: boolean
  readonly #code: string
  #doubts: string | undefined
  #text = ''

  constructor({ code, tree, scan: own }: ReadProgram) {
    this.#code = code
    this.scan = own
    this.returns = innerOf(tree).returns.length > 0
  }

  /** As the checker reads it (loosen.ts). */
  text(doubtful: ReadonlySet<string>): string {
    const doubts = [...doubtful].filter((place) =>
      this.scan.mentions.has(/[#\p{ID_Continue}$]+/u.exec(place)?.[0] ?? ''),
    )
    const key = doubts.toSorted().join(' ')
    if (key !== this.#doubts) {
      this.#text = loosen(this.#code, parseProgram(this.#code).tree, doubtful).text
      this.#doubts = key
    }
    return this.#text
  }
}

const known = new Map<string, KnownProgram | undefined>()
/** So many programs of the process's runs are kept. */
const MOST_KNOWN = 256

/** The program of a step that ran; `undefined` if it cannot be read. Costs nothing where `isKnown`. */
export function knownProgram(source: string): KnownProgram | undefined {
  const has = known.has(source)
  let program = known.get(source)
  if (!has) {
    const read = readProgram(source)
    program = read === undefined ? undefined : new KnownProgram(read)
  }
  // The newest stand last.
  known.delete(source)
  known.set(source, program)
  for (const oldest of known.keys()) {
    if (known.size <= MOST_KNOWN) break
    known.delete(oldest)
  }
  return program
}

export function isKnown(source: string): boolean {
  return known.has(source)
}
