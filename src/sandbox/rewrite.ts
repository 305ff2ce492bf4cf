/**
 * One program into two scripts, so that its top-level names live on as globals: `declarations` (hoisted functions, then
 * what the names are) and `body` (the rest). See `Program`.
 *
 * R1  Every line stays where it is, and nearly every character; the maps tell about the others.
 * R2  A name may be declared again by a later step, by any kind of declaration. So `let`, `const`, `class` become
 *     assignments to globals. The guest keeps what makes them what they are (`prelude/session.js`): until a declaration
 *     has run, its name is what the steps before left, or cannot be read; a `const` cannot be assigned.
 * R3  A top-level `return` (or `using`) puts the body into a labelled block that `return` leaves; `finally` runs.
 * R4  An enum or a namespace is a new one in each step; within a step those of one name are one.
 * R5  A variable called `finalAnswer` is a variable of its program: the function keeps its name for the steps to come.
 */
import { showsValue } from './completion.ts'
import { namespaceEdits } from './namespaces.ts'
import { lowered } from './decorators.ts'
import { blank, layOut } from './edits.ts'
import type { Edit } from './edits.ts'
import type { Reference } from './scope.ts'
import type { PositionMap } from './sandbox.ts'
import type { SourceMap } from './source-map.ts'
import { bindingNames, innerOf, mentions } from './tree.ts'
import type {
  ClassDeclaration,
  ClassNode,
  Declaration,
  FunctionDeclaration,
  ReturnStatement,
  TopLevel,
  Tree,
  VariableDeclaration,
} from './tree.ts'

const RETURN = '$r'
const NAMES = '$names'
const LABEL = '$step'
const ANSWER = 'finalAnswer'
/** As long as the name for which it stands. */
const OWN_ANSWER = '$inalAnswer'

export interface Scripts {
  readonly declarations: string
  readonly body: string
  readonly hasValue: boolean
  readonly map?: PositionMap
  readonly declarationsMap?: PositionMap
}

export interface Rewriting {
  readonly code: string
  readonly tree: Tree
  /** From the code to the source, if the code was reprinted. */
  readonly map?: SourceMap
  /** The classes that the engine does not know as they are. */
  readonly classes: readonly ClassNode[]
  /** The places of the program's own variable `finalAnswer` (R5). */
  readonly answers: readonly Reference[]
}

/** The names that a program declares. */
interface Names {
  readonly vars: Set<string>
  readonly lets: Set<string>
  readonly consts: Set<string>
}

/** The two scripts of a program. The tree is of the code, and imports nothing. */
export function rewrite({ code, tree, map, classes, answers }: Rewriting): Scripts {
  const edits: Edit[] = answers.map(renamed)
  const functions: FunctionDeclaration[] = []
  const { returns, vars } = innerOf(tree)
  const names: Names = { vars: new Set(vars.map(own)), lets: new Set(), consts: new Set() }
  const globals = new Set<ClassNode>()
  let isBlock = false
  for (const statement of tree.body) {
    const node = exported(statement, code, edits)
    if (node?.type === 'FunctionDeclaration') functions.push(node)
    else if (node?.type === 'ClassDeclaration') {
      names.lets.add(node.id.name)
      if (classes.includes(node)) globals.add(node)
      else edits.push(...assigned(node))
    } else if (node?.type === 'VariableDeclaration') {
      if (node.kind === 'using' || node.kind === 'await using') isBlock = true
      else edits.push(...declared(node, names))
    }
  }
  for (const node of classes) {
    const bound = globals.has(node) ? 'global' : node.type === 'ClassDeclaration' ? 'local' : 'no'
    edits.push(...lowered({ node, bound }, code))
  }
  for (const node of returns) edits.push(...left(node))
  if (map !== undefined) edits.push(...namespaceEdits(code, tree))
  const shows = showsValue(tree.body)
  const hoisted = layOut(code, [...around(code, functions), ...within(functions, edits)], map)
  edits.push(...functions.map(({ start, end }) => blanked(code, start, end)))
  if (isBlock || returns.length > 0) {
    edits.unshift(edit(0, 0, `${LABEL}:{`))
    edits.push(edit(code.length, code.length, `\n${shows ? '' : ';void 0'}}`))
  }
  const body = layOut(code, edits, map)
  return {
    declarations: (functions.length === 0 ? '' : hoisted.text) + told(names),
    body: body.text,
    hasValue: shows || returns.length > 0,
    ...(body.map === undefined ? {} : { map: body.map }),
    ...(functions.length === 0 || hoisted.map === undefined ? {} : { declarationsMap: hoisted.map }),
  }
}

function edit(start: number, end: number, text: string): Edit {
  return { start, end, pieces: [text] }
}

/** What a statement declares; of an export, the `export` is taken away. */
function exported(statement: TopLevel, code: string, edits: Edit[]): Declaration | undefined {
  switch (statement.type) {
    case 'ExportNamedDeclaration': {
      const inner = statement.declaration ?? undefined
      edits.push(blanked(code, statement.start, inner?.start ?? statement.end))
      return inner
    }
    case 'ExportDefaultDeclaration': {
      const inner = statement.declaration
      edits.push(blanked(code, statement.start, inner.start))
      if (inner.type === 'FunctionDeclaration' || inner.type === 'ClassDeclaration') {
        if (inner.id !== null) return inner
        edits.push(edit(inner.start, inner.start, '('), edit(inner.end, inner.end, ')'))
      }
      return undefined
    }
    case 'ImportDeclaration':
      edits.push(blanked(code, statement.start, statement.end))
      return undefined
    case 'ExportAllDeclaration':
      return undefined
    default:
      return statement
  }
}

function declared(node: VariableDeclaration, names: Names): readonly Edit[] {
  const edits: Edit[] = []
  if (node.kind === 'var') return edits
  edits.push(edit(node.start, node.start + node.kind.length, 'var'.padEnd(node.kind.length)))
  for (const { id, init } of node.declarations) {
    for (const name of bindingNames(id)) (node.kind === 'const' ? names.consts : names.lets).add(own(name))
    // A declaration without a value gives `undefined`, also where an earlier step left something.
    if (!init) edits.push(edit(id.end, id.end, '=void 0'))
  }
  return edits
}

/** A class becomes an assignment. Its inner name is needed where it speaks of itself before that: static parts. */
function assigned({ id, body, start, end }: ClassDeclaration): readonly Edit[] {
  const head = `${id.name}=class${mentions(body, id.name) ? ` ${id.name}` : ''}`
  return [edit(start, id.end, head.padEnd(id.end - start)), edit(end, end, ';')]
}

/** A blank that is still the end of what stood before it. */
function blanked(code: string, start: number, end: number): Edit {
  return edit(start, end, `;${blank(code.slice(start, end)).slice(1)}`)
}

/** R3. */
function left({ start, end, argument }: ReturnStatement): readonly Edit[] {
  const head = edit(start, start + 6, `{${RETURN}( `)
  return [head, edit(argument?.end ?? head.end, end, `);break ${LABEL}}`)]
}

/** R5. */
function renamed({ start, end, isShorthand }: Reference): Edit {
  return edit(start, end, isShorthand ? `${ANSWER}:${OWN_ANSWER}` : OWN_ANSWER)
}

function own(name: string): string {
  return name === ANSWER ? OWN_ANSWER : name
}

/** All but these functions, as blanks; nothing after the last. */
function around(code: string, functions: readonly FunctionDeclaration[]): readonly Edit[] {
  let from = 0
  const edits: Edit[] = []
  for (const { start, end } of functions) {
    edits.push(edit(from, start, blank(code.slice(from, start)).replace(/ +\n/g, '\n')))
    from = end
  }
  return [...edits, edit(from, code.length, '')]
}

/** The edits that lie in these functions, which are in order. */
function within(functions: readonly FunctionDeclaration[], edits: readonly Edit[]): readonly Edit[] {
  let at = 0
  return edits
    .toSorted((a, b) => a.start - b.start)
    .filter(({ start, end }) => {
      while ((functions[at]?.end ?? Infinity) <= start) at++
      const found = functions[at]
      return found !== undefined && start >= found.start && end <= found.end
    })
}

/** Tells the guest what the names are (R2). */
function told({ vars, lets, consts }: Names): string {
  if (vars.size + lets.size + consts.size === 0) return ''
  const given = [vars, lets, consts].map((names) => JSON.stringify([...names].join()))
  return `\n${NAMES}(${given.join()});`
}
