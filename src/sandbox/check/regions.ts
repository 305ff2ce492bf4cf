/** Where a program may fail without harm: what is caught, and what is not run. */
import { walk, type AnyNode, type Tree } from '../tree.ts'
import { isCatch, isFunction, keyOf, nameOfKey } from './places.ts'
import type { Scan } from './scan.ts'

type Range = Pick<AnyNode, 'start' | 'end'>

/**
 * True for a node whose failure the program may survive: it stands in a `try`, before a `.catch`, in a function that
 * may be called there, or in a function that nothing in the program names.
 */
export function survivable(tree: Tree, own: Scan, catchers: ReadonlySet<string>): (node: Range) => boolean {
  const ranges: Range[] = []
  const named: { readonly name: string; readonly node: AnyNode; readonly isLocal: boolean }[] = []
  /** Functions that are handed on: if anything is caught, they may be called there. */
  const handed: AnyNode[] = []
  walk(tree, (node) => {
    switch (node.type) {
      case 'TryStatement':
        if (node.handler) ranges.push(node.block)
        break
      case 'CallExpression': {
        const { callee, arguments: args } = node
        const key = callee.type === 'MemberExpression' ? keyOf(callee)?.slice(1) : undefined
        const name = callee.type === 'Identifier' ? callee.name : key
        if (callee.type === 'MemberExpression' && (isCatch(callee) || (key === 'then' && args.length > 1)))
          ranges.push(callee.object)
        if (callee.type === 'Identifier') handed.push(...args.filter(isFunction))
        if ((name !== undefined && catchers.has(name)) || key === 'allSettled')
          ranges.push(...args.filter((each) => isFunction(each) || key === 'allSettled' || isName(each)))
        break
      }
      case 'ArrayExpression':
        handed.push(...node.elements.filter((each) => each !== null).filter(isFunction))
        break
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        if (node.id) named.push({ name: node.id.name, node, isLocal: true })
        break
      case 'VariableDeclarator':
        if (node.id.type === 'Identifier' && node.init && isCode(node.init))
          named.push({ name: node.id.name, node: node.init, isLocal: true })
        break
      case 'Property':
      case 'MethodDefinition':
      case 'PropertyDefinition': {
        const name = nameOfKey(node)
        if (name !== undefined && node.value && isCode(node.value))
          named.push({ name, node: node.value, isLocal: false })
        break
      }
      default:
    }
    return true
  })
  if (ranges.length > 0) ranges.push(...handed)
  ranges.push(
    ...named.filter(({ name, isLocal }) => isLocal && own.mentions.get(name) === 1).map(({ node }) => node),
  )
  const names = new Set<string>()
  let rest = named
  // Each round takes in the functions that those of the round before name.
  for (let from = 0; from < ranges.length;) {
    const fresh = ranges.slice(from)
    from = ranges.length
    walk(tree, (node) => {
      if (node.type === 'Identifier' && fresh.some((range) => isWithin(node, range))) names.add(node.name)
      return fresh.some((range) => node.start < range.end && range.start < node.end)
    })
    ranges.push(...rest.filter(({ name }) => names.has(name)).map(({ node }) => node))
    rest = rest.filter(({ name }) => !names.has(name))
  }
  return (node) => ranges.some((range) => isWithin(node, range))
}

function isCode(node: AnyNode): boolean {
  return isFunction(node) || node.type === 'ClassExpression'
}

function isName(node: AnyNode): boolean {
  return node.type === 'Identifier'
}

function isWithin(node: Range, range: Range): boolean {
  return range.start <= node.start && node.end <= range.end
}
