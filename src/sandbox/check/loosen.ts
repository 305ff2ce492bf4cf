/**
 * A program as the type checker reads it: JavaScript, its types erased, with `any` where a type would be a guess.
 *
 * L1  What remains typed is what is certain: what tools declare, what the language's own objects have, and values
 *     that nothing writes again.
 * L2  Text is only inserted, so that every offset leads back to the program.
 */
import { bindingNames, walk, type AnyNode, type Tree } from '../tree.ts'
import { isFunction, keyOf, nameOfKey } from './places.ts'

export interface Loose {
  readonly text: string
  /** The offset in the program, of an offset in `text`. */
  origin(offset: number): number
}

interface Insertion {
  readonly at: number
  readonly text: string
  /** Of two at one place, that which opens inside the other stands after it, and closes before it. */
  readonly depth: number
}

/** `doubtful`: places whose types are guesses. */
export function loosen(code: string, tree: Tree, doubtful: ReadonlySet<string>): Loose {
  const insertions: Insertion[] = []
  const open = (node: AnyNode): void => {
    const depth = insertions.length
    insertions.push({ at: node.start, text: '((', depth }, { at: node.end, text: ') as any)', depth: -depth })
  }
  const annotate = (node: AnyNode): void => {
    insertions.push({ at: node.end, text: ': any', depth: 0 })
  }
  const inPatterns = new Set<AnyNode>()
  const binds = (pattern: Parameters<typeof bindingNames>[0]): boolean =>
    bindingNames(pattern).some((name) => doubtful.has(name))
  walk(tree, (node) => {
    switch (node.type) {
      case 'VariableDeclarator':
        if (node.init && binds(node.id)) open(node.init)
        break
      case 'AssignmentPattern':
        open(node.right)
        break
      case 'ForOfStatement':
        if (node.left.type === 'VariableDeclaration' && node.left.declarations.some(({ id }) => binds(id)))
          open(node.right)
        break
      case 'Property':
      case 'PropertyDefinition': {
        const key = nameOfKey(node)
        if (key === undefined || !node.value || inPatterns.has(node) || !doubtful.has(`.${key}`)) break
        if (node.type === 'PropertyDefinition' || (!node.shorthand && !node.method && node.kind === 'init'))
          open(node.value)
        else if (node.shorthand) insertions.push({ at: node.end, text: `: (${key} as any)`, depth: 0 })
        break
      }
      case 'ObjectPattern':
        for (const each of node.properties) inPatterns.add(each)
        break
      case 'CallExpression': {
        const [, initial] = node.arguments
        const key = node.callee.type === 'MemberExpression' ? keyOf(node.callee) : undefined
        if (initial !== undefined && (key === '.reduce' || key === '.reduceRight')) open(initial)
        break
      }
      default:
        if (isFunction(node)) parameters(node)
    }
    return true
  })

  function parameters(node: Extract<AnyNode, { readonly params: unknown }>): void {
    for (const param of node.params) {
      const pattern = param.type === 'AssignmentPattern' ? param.left : param
      if (!binds(pattern)) continue
      const isBare =
        node.type === 'ArrowFunctionExpression' && !code.slice(node.start, param.start).includes('(')
      if (isBare) {
        insertions.push({ at: param.start, text: '(', depth: 0 }, { at: param.end, text: ': any)', depth: 0 })
      } else annotate(pattern)
    }
  }

  const sorted = insertions.toSorted((one, other) => one.at - other.at || one.depth - other.depth)
  let text = ''
  let from = 0
  for (const { at, text: inserted } of sorted) {
    text += code.slice(from, at) + inserted
    from = at
  }
  return { text: text + code.slice(from), origin: (offset) => originOf(offset, sorted) }
}

/** What stands in an insertion belongs to what follows it. */
function originOf(offset: number, sorted: readonly Insertion[]): number {
  let moved = 0
  for (const { at, text } of sorted) {
    if (offset < at + moved) break
    if (offset < at + moved + text.length) return at
    moved += text.length
  }
  return offset - moved
}
