/** A program, read once for the type check: its JavaScript, its tree, and what it does with names and values. */
import { layOut } from '../edits.ts'
import { namespaceEdits } from '../namespaces.ts'
import type { SourceMap } from '../source-map.ts'
import { strip, type Stripped } from '../strip.ts'
import { bindingNames, innerOf, parseProgram, type Tree } from '../tree.ts'
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
