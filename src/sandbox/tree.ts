/** Syntax trees of programs, and questions to them. The door to acorn, which is loaded at the first use. */
import { createRequire } from 'node:module'
import type * as acorn from 'acorn'

export type Tree = acorn.Program
export type TopLevel = acorn.Program['body'][number]
export type Statement = acorn.Statement
export type Declaration = acorn.Statement | acorn.Declaration
export type FunctionDeclaration = acorn.FunctionDeclaration
export type ClassDeclaration = acorn.ClassDeclaration
export type VariableDeclaration = acorn.VariableDeclaration
export type ReturnStatement = acorn.ReturnStatement
export type AnyNode = acorn.AnyNode
export type Identifier = acorn.Identifier
export type Pattern = acorn.Pattern

const load = createRequire(import.meta.url)

/** The tree of a program. @throws {SyntaxError} with `pos`, the offset of what cannot be read. */
export function parseProgram(code: string): Tree {
  const { parse } = load('acorn') as typeof acorn
  return parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
  })
}

type Visit = (node: acorn.AnyNode) => boolean

/** Visits every node, parents first; not what is below a node for which `visit` gives false. */
export function walk(node: acorn.AnyNode, visit: Visit): void {
  const waiting: acorn.AnyNode[] = [node]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (visit(next)) waiting.push(...childrenOf(next))
  }
}

/** The nodes right below a node. */
export function childrenOf(node: acorn.AnyNode): readonly acorn.AnyNode[] {
  const children: acorn.AnyNode[] = []
  for (const child of Object.values(node)) {
    if (Array.isArray(child)) {
      for (const each of child) if (isNode(each)) children.push(each)
    } else if (isNode(child)) children.push(child)
  }
  return children
}

function isNode(value: unknown): value is acorn.AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

const SCOPES = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassDeclaration',
  'ClassExpression',
])

/** The `return` statements that belong to the program itself. */
export function topLevelReturns(tree: acorn.Program): readonly acorn.ReturnStatement[] {
  const found: acorn.ReturnStatement[] = []
  walk(tree, (node) => {
    if (node.type === 'ReturnStatement') found.push(node)
    return !SCOPES.has(node.type)
  })
  return found
}

/** The names that a `var` below the top level declares; they are the program's names too. */
export function nestedVars(tree: acorn.Program): readonly string[] {
  const names: string[] = []
  walk(tree, (node) => {
    if (node.type === 'VariableDeclaration' && node.kind === 'var') {
      for (const { id } of node.declarations) names.push(...bindingNames(id))
    }
    return !SCOPES.has(node.type)
  })
  return names
}

/** True if an identifier of this name stands anywhere below `node`. */
export function mentions(node: AnyNode, name: string): boolean {
  let found = false
  walk(node, (each) => {
    found ||= each.type === 'Identifier' && each.name === name
    return !found
  })
  return found
}

/** The names that a binding pattern binds. */
export function bindingNames(pattern: acorn.Pattern): readonly string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name]
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) =>
        bindingNames(each.type === 'RestElement' ? each.argument : each.value),
      )
    case 'ArrayPattern':
      return pattern.elements.flatMap((each) => (each === null ? [] : bindingNames(each)))
    case 'RestElement':
      return bindingNames(pattern.argument)
    case 'AssignmentPattern':
      return bindingNames(pattern.left)
    case 'MemberExpression':
      return []
    default:
      return pattern satisfies never
  }
}
