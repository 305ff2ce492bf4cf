/**
 * One program into two scripts, so that its top-level names live on as globals: `declarations` (hoisted functions,
 * then `var` for every other name) and `body` (the rest). See `Program`.
 *
 * R1  Every character stays at its line and column; what is taken out is blanked, byte for byte in UTF-8.
 * R2  A name may be declared again by a later step, by any kind of declaration. So `let`, `const`, `class` become
 *     assignments to globals; the type check, not the engine, tells about `const` and the temporal dead zone.
 * R3  A top-level `return` (or `using`) puts the body into a labelled block that `return` leaves; `finally` runs.
 */
import { bindingNames, mentions, nestedVars, topLevelReturns } from './tree.ts'
import type { Declaration, ReturnStatement, TopLevel, Tree, VariableDeclaration } from './tree.ts'

const RETURN = '$r'
const LABEL = '$step'

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

export interface Scripts {
  readonly declarations: string
  readonly body: string
  readonly hasValue: boolean
}

/** As many blanks as `text` has characters, and as many bytes; line breaks stay. */
export function blank(text: string): string {
  return text.replace(/[^\n\r\u2028\u2029]/g, (char) => {
    const code = char.charCodeAt(0)
    if (code < 0x80) return ' '
    return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? '\u00a0' : '\u3000'
  })
}

/** The two scripts of a program. The tree is of the code, and holds no import. */
export function rewrite(code: string, tree: Tree): Scripts {
  const edits: Edit[] = []
  const functions: Edit[] = []
  const names = new Set(nestedVars(tree))
  let block = false
  for (const statement of tree.body) {
    const node = exported(statement, code, edits)
    if (node === undefined) continue
    if (node.type === 'FunctionDeclaration') {
      functions.push({ start: node.start, end: node.end, text: code.slice(node.start, node.end) })
      edits.push(blanked(code, node.start, node.end))
    } else if (node.type === 'ClassDeclaration') {
      names.add(node.id.name)
      // The inner name is needed where the class speaks of itself before the assignment: static parts.
      const head = mentions(node.body, node.id.name)
        ? `${node.id.name}=class ${node.id.name}`
        : `${node.id.name}=class`
      edits.push({ start: node.start, end: node.id.end, text: head.padEnd(node.id.end - node.start) })
      edits.push({ start: node.end, end: node.end, text: ';' })
    } else if (node.type === 'VariableDeclaration') {
      if (node.kind === 'using' || node.kind === 'await using') block = true
      else declare(node, edits, names)
    }
  }
  const returns = topLevelReturns(tree)
  for (const node of returns) edits.push(...leave(node))
  const shows = endsInExpression(tree)
  return {
    declarations: declarations(code, functions, names),
    body: wrap(apply(code, edits), block || returns.length > 0, shows),
    hasValue: shows || returns.length > 0,
  }
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
        edits.push(
          { start: inner.start, end: inner.start, text: '(' },
          { start: inner.end, end: inner.end, text: ')' },
        )
      }
      return undefined
    }
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
      return undefined
    default:
      return statement
  }
}

function declare(node: VariableDeclaration, edits: Edit[], names: Set<string>): void {
  const end = node.start + node.kind.length
  if (node.kind !== 'var') edits.push({ start: node.start, end, text: 'var'.padEnd(node.kind.length) })
  for (const { id, init } of node.declarations) {
    for (const name of bindingNames(id)) names.add(name)
    // A declaration without a value gives `undefined`, also where an earlier step left something.
    if (node.kind === 'let' && !init) edits.push({ start: id.end, end: id.end, text: '=void 0' })
  }
}

/** A blank that is still the end of what stood before it. */
function blanked(code: string, start: number, end: number): Edit {
  return { start, end, text: `;${blank(code.slice(start, end)).slice(1)}` }
}

function leave(node: ReturnStatement): readonly Edit[] {
  const head = { start: node.start, end: node.start + 6, text: `{${RETURN}( `.padEnd(6) }
  const from = node.argument?.end ?? head.end
  return [head, { start: from, end: node.end, text: `);break ${LABEL}}` }]
}

function wrap(body: string, block: boolean, shows: boolean): string {
  return block ? `${LABEL}:{${body}\n${shows ? '' : ';void 0'}}` : body
}

function declarations(code: string, functions: readonly Edit[], names: ReadonlySet<string>): string {
  let text = ''
  let from = 0
  for (const each of functions) {
    text += blank(code.slice(from, each.start)) + each.text
    from = each.end
  }
  // Only what trails on a line is cut: the lines must stay, so that the names come after the last of them.
  text = (text + blank(code.slice(from))).replace(/[ \u00a0\u3000]+$/gm, '')
  return names.size === 0 ? text : `${text}\nvar ${[...names].join(',')};`
}

function apply(code: string, edits: readonly Edit[]): string {
  let text = ''
  let from = 0
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    text += code.slice(from, edit.start) + edit.text
    from = edit.end
  }
  return text + code.slice(from)
}

function endsInExpression(tree: Tree): boolean {
  const last = tree.body.findLast(
    (node) => node.type !== 'EmptyStatement' && node.type !== 'FunctionDeclaration' && !isBareVar(node),
  )
  return last?.type === 'ExpressionStatement' || last?.type === 'ExportDefaultDeclaration'
}

/** `var N;`, which reprinting puts last. */
function isBareVar(node: TopLevel): boolean {
  return (
    node.type === 'VariableDeclaration' &&
    node.kind === 'var' &&
    node.declarations.every((each) => !each.init)
  )
}
