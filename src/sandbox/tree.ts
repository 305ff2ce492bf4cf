/** Syntax trees of programs, and questions to them. The door to acorn, which is loaded at the first use. */
import { createRequire } from 'node:module'
import type * as acorn from 'acorn'
import { withDecorators } from './grammar.ts'

export type Tree = acorn.Program
export type TopLevel = acorn.Program['body'][number]
export type Statement = acorn.Statement
export type Declaration = acorn.Statement | acorn.Declaration
export type FunctionDeclaration = acorn.FunctionDeclaration
export type ClassDeclaration = acorn.ClassDeclaration
export type VariableDeclaration = acorn.VariableDeclaration
export type ReturnStatement = acorn.ReturnStatement
export type AnyNode = acorn.AnyNode
export type ClassNode = acorn.ClassDeclaration | acorn.ClassExpression
export type ClassElement = ClassNode['body']['body'][number]
export type Identifier = acorn.Identifier
export type Pattern = acorn.Pattern

const load = createRequire(import.meta.url)

export interface Parsed {
  readonly tree: Tree
  /** The classes with decorators or accessors. */
  readonly classes: readonly ClassNode[]
}

let parser: typeof acorn.Parser | undefined

/** The tree of a program. @throws {SyntaxError} with `pos`, the offset of what cannot be read. */
export function parseProgram(code: string): Parsed {
  parser ??= extended()
  const tree = parser.parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
  }) as Tree & { classes?: readonly ClassNode[] }
  const { classes = [] } = tree
  delete tree.classes
  return { tree, classes }
}

function extended(): typeof acorn.Parser {
  const { Parser, TokenType, tokTypes } = load('acorn') as typeof acorn & {
    TokenType: new (label: string) => unknown
  }
  const extension = (Base: unknown): unknown => withDecorators(Base, tokTypes, new TokenType('@'))
  return Parser.extend(extension as Parameters<typeof Parser.extend>[0])
}

/** The nodes right below a node. */
export function childrenOf(node: AnyNode): readonly AnyNode[] {
  const children: AnyNode[] = []
  for (const child of Object.values(node)) {
    if (typeof child !== 'object' || child === null) continue
    if (Array.isArray(child)) {
      for (const each of child) if (isNode(each)) children.push(each)
    } else if (isNode(child)) children.push(child)
  }
  return children
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Every node below `node` and itself, parents first, but not what is below a node for which `visit` gives false. */
export function walk(node: AnyNode, visit: (node: AnyNode) => boolean): void {
  const waiting: AnyNode[] = [node]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (visit(next)) for (const child of childrenOf(next)) waiting.push(child)
  }
}

/** What belongs to a program itself, however deep in its blocks. */
export interface Inner {
  readonly returns: readonly acorn.ReturnStatement[]
  /** The names that its `var` declare. */
  readonly vars: readonly string[]
}

export function innerOf(tree: Tree): Inner {
  const returns: acorn.ReturnStatement[] = []
  const vars: string[] = []
  const waiting: AnyNode[] = [...tree.body]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === 'ReturnStatement') returns.push(node)
    else if (node.type === 'VariableDeclaration' && node.kind === 'var') {
      for (const { id } of node.declarations) vars.push(...bindingNames(id))
    } else for (const each of statementsIn(node)) if (each) waiting.push(each)
  }
  return { returns, vars }
}

/** The statements right below a statement; what is in an expression is another program's. */
function statementsIn(node: AnyNode): readonly (AnyNode | null | undefined)[] {
  switch (node.type) {
    case 'BlockStatement':
      return node.body
    case 'IfStatement':
      return [node.consequent, node.alternate]
    case 'ForStatement':
      return [node.init, node.body]
    case 'ForInStatement':
    case 'ForOfStatement':
      return [node.left, node.body]
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'LabeledStatement':
      return [node.body]
    case 'TryStatement':
      return [node.block, node.handler?.body, node.finalizer]
    case 'SwitchStatement':
      return node.cases.flatMap((each) => each.consequent)
    case 'ExportNamedDeclaration':
      return [node.declaration]
    default:
      return []
  }
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
