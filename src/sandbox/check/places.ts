/**
 * Places: where values are kept, as far as words tell. `rows` a name, `.rows` a property of whatever object, `rows()`
 * what a function gives, `rows(0)` its first parameter.
 */
import type { AnyNode } from '../tree.ts'

export type Place = string

/** A value that is made through more hands than these is not followed further. */
const MOST_DEPTH = 64

export type FunctionNode = Extract<
  AnyNode,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
>

export function isFunction(node: AnyNode): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  )
}

/** What an assignment to this writes. */
export function targets(node: AnyNode): readonly Place[] {
  switch (node.type) {
    case 'Identifier':
      return [node.name]
    case 'MemberExpression': {
      const key = keyOf(node)
      return key === undefined ? roots(node.object) : [key]
    }
    case 'ObjectPattern':
      return node.properties.flatMap((each) =>
        targets(each.type === 'RestElement' ? each.argument : each.value),
      )
    case 'ArrayPattern':
      return node.elements.flatMap((each) => (each === null ? [] : targets(each)))
    case 'AssignmentPattern':
      return targets(node.left)
    case 'RestElement':
      return targets(node.argument)
    default:
      return []
  }
}

/** The places that a value may share its parts with. */
export function roots(node: AnyNode): readonly Place[] {
  const found = new Set<Place>()
  const waiting: (readonly [AnyNode, number])[] = [[node, 0]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [each, depth] = next
    if (depth > MOST_DEPTH) continue
    const { places, inner } = rootOf(each)
    for (const place of places) found.add(place)
    for (const one of inner) waiting.push([one, depth + 1])
  }
  return [...found]
}

/** The places of a value itself, and the values whose places are its own. */
function rootOf(node: AnyNode): { readonly places: readonly Place[]; readonly inner: readonly AnyNode[] } {
  switch (node.type) {
    case 'Identifier':
      return { places: [node.name], inner: [] }
    case 'MemberExpression': {
      const key = keyOf(node)
      return key === undefined ? { places: [], inner: [node.object] } : { places: [key], inner: [] }
    }
    case 'ChainExpression':
      return { places: [], inner: [node.expression] }
    case 'AwaitExpression':
    case 'SpreadElement':
      return { places: [], inner: [node.argument] }
    case 'AssignmentExpression':
      return { places: targets(node.left), inner: [node.right] }
    case 'ConditionalExpression':
      return { places: [], inner: [node.consequent, node.alternate] }
    case 'LogicalExpression':
      return { places: [], inner: [node.left, node.right] }
    case 'SequenceExpression':
      return { places: [], inner: node.expressions.slice(-1) }
    case 'ArrayExpression':
      return { places: [], inner: node.elements.filter((each) => each !== null) }
    case 'CallExpression': {
      const { callee } = node
      const args = node.arguments.filter((each) => !isFunction(each))
      if (callee.type === 'Identifier') return { places: [`${callee.name}()`], inner: args }
      if (callee.type !== 'MemberExpression') return { places: [], inner: args }
      const key = keyOf(callee)
      return { places: key === undefined ? [] : [`${key.slice(1)}()`], inner: [callee.object, ...args] }
    }
    case 'NewExpression':
      return { places: [], inner: node.arguments }
    default:
      return { places: [], inner: [] }
  }
}

/** `.name` of a member that is known; `.#name` of a private one. */
export function keyOf(node: Extract<AnyNode, { type: 'MemberExpression' }>): Place | undefined {
  const { property, computed } = node
  if (property.type === 'PrivateIdentifier') return `.#${property.name}`
  if (!computed) return property.type === 'Identifier' ? `.${property.name}` : undefined
  return property.type === 'Literal' && typeof property.value === 'string' ? `.${property.value}` : undefined
}

type Keyed = Extract<AnyNode, { type: 'Property' | 'MethodDefinition' | 'PropertyDefinition' }>

export function nameOfKey({ key, computed }: Keyed): string | undefined {
  if (key.type === 'PrivateIdentifier') return `#${key.name}`
  if (key.type === 'Identifier') return computed ? undefined : key.name
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : undefined
}

/** The keys that an argument of `Object.assign` or `Object.defineProperty` names. */
export function keysIn(node: AnyNode): readonly Place[] {
  if (node.type === 'Literal' && typeof node.value === 'string') return [`.${node.value}`]
  if (node.type !== 'ObjectExpression') return []
  return node.properties.flatMap((each) => {
    const key = each.type === 'Property' ? nameOfKey(each) : undefined
    return key === undefined ? [] : [`.${key}`]
  })
}

export function isCatch(callee: Extract<AnyNode, { type: 'MemberExpression' }>): boolean {
  const key = keyOf(callee)
  return key === '.catch' || key === '.allSettled'
}
