/**
 * What reprinting leaves to be done of enums and namespaces. It makes them functions that are called with an object:
 *
 *     var E = function(E) { … }(E || {})        (function(N) { N.a = 1 })(N || (N = {}))
 *
 * The first of a name begins with a new object, whatever an earlier step has left; a later one of the program goes on
 * with that of the first, whose exported names it sees.
 */
import type { Edit } from './edits.ts'
import { declares, hasName, referencesTo } from './scope.ts'
import type { AnyNode, Tree } from './tree.ts'

interface Part {
  readonly name: string
  /** Where `name || ` begins. */
  readonly at: number
  readonly body: readonly AnyNode[]
}

export function namespaceEdits(code: string, tree: Tree): readonly Edit[] {
  const edits: Edit[] = []
  /** By name, what its parts have exported so far. */
  const exported = new Map<string, string[]>()
  for (const node of tree.body.map(inner)) {
    if (node?.type === 'FunctionDeclaration' || node?.type === 'ClassDeclaration') {
      if (node.id) exported.set(node.id.name, [])
    }
  }
  for (const node of tree.body.map(inner)) {
    const part = partOf(node)
    if (part === undefined) continue
    const { name, at, body } = part
    const known = exported.get(name)
    const end = code.indexOf('||', at) + 2
    if (known === undefined) edits.push({ start: at, end, pieces: [' '.repeat(end - at)] })
    else edits.push(...known.flatMap((each) => qualified(body, name, each)))
    exported.set(name, [...new Set([...(known ?? []), ...exportsOf(body, name)])])
  }
  return edits
}

function inner(node: AnyNode): AnyNode | undefined {
  return node.type === 'ExportNamedDeclaration' ? (node.declaration ?? undefined) : node
}

function partOf(node: AnyNode | undefined): Part | undefined {
  const made =
    node?.type === 'VariableDeclaration'
      ? node.declarations[0]?.init
      : node?.type === 'ExpressionStatement'
        ? node.expression
        : undefined
  if (made?.type !== 'CallExpression' || made.callee.type !== 'FunctionExpression') return undefined
  const [given] = made.arguments
  if (given?.type !== 'LogicalExpression' || given.left.type !== 'Identifier') return undefined
  if (given.right.type !== 'ObjectExpression' && given.right.type !== 'AssignmentExpression') return undefined
  return { name: given.left.name, at: given.left.start, body: made.callee.body.body }
}

/** The names of `N.a = …` right in the body. */
function exportsOf(body: readonly AnyNode[], name: string): readonly string[] {
  return body.flatMap((node) => {
    const left =
      node.type === 'ExpressionStatement' && node.expression.type === 'AssignmentExpression'
        ? node.expression.left
        : undefined
    const isExport =
      left?.type === 'MemberExpression' &&
      !left.computed &&
      left.object.type === 'Identifier' &&
      left.object.name === name
    return isExport && left.property.type === 'Identifier' ? [left.property.name] : []
  })
}

/** `a` as `N.a`, unless this part has an `a` of its own. */
function qualified(body: readonly AnyNode[], namespace: string, name: string): readonly Edit[] {
  const isOwn =
    declares(body, name) ||
    body.some(
      (node) => node.type === 'VariableDeclaration' && node.declarations.some(({ id }) => hasName(id, name)),
    )
  if (isOwn) return []
  return referencesTo(body, name).map(({ start, end, isShorthand }) => ({
    start,
    end,
    pieces: [`${isShorthand ? `${name}:` : ''}${namespace}.${name}`],
  }))
}
