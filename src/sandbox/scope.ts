/** Which identifiers mean the variable of a given name that is known where some code stands. */
import { bindingNames, childrenOf } from './tree.ts'
import type { AnyNode, Identifier, Pattern } from './tree.ts'

export interface Reference {
  readonly start: number
  readonly end: number
  /** `other`: it is read, declared, or a part of a pattern. */
  readonly use: 'call' | 'write' | 'other'
  /** `{ name }`: the identifier is the property's name as well. */
  readonly isShorthand: boolean
}

interface Waiting {
  readonly node: AnyNode
  readonly parent: AnyNode | undefined
}

/** `nodes`: of one scope; what they declare themselves does not hide the name. */
export function referencesTo(nodes: readonly AnyNode[], name: string): readonly Reference[] {
  const found = new Map<number, Reference>()
  const waiting: Waiting[] = nodes.map((node) => ({ node, parent: undefined }))
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, parent } = next
    if (node.type === 'Identifier') {
      const use = node.name === name ? useOf(node, parent) : undefined
      if (use === undefined) continue
      // A shorthand is two nodes at one place.
      const known = found.get(node.start)
      const isShorthand = known?.isShorthand === true || (parent?.type === 'Property' && parent.shorthand)
      found.set(node.start, { start: node.start, end: node.end, use, isShorthand })
    } else if (!binds(node, name)) {
      for (const child of childrenOf(node)) waiting.push({ node: child, parent: node })
    }
  }
  return [...found.values()]
}

function useOf(node: Identifier, parent: AnyNode | undefined): Reference['use'] | undefined {
  switch (parent?.type) {
    case 'MemberExpression':
      return parent.property === node && !parent.computed ? undefined : 'other'
    case 'Property':
      return parent.key === node && !parent.computed && !parent.shorthand ? undefined : 'other'
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return parent.key === node && !parent.computed ? undefined : 'other'
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'ExportSpecifier':
    case 'MetaProperty':
      return undefined
    case 'CallExpression':
      return parent.callee === node ? 'call' : 'other'
    case 'AssignmentExpression':
      return parent.left === node ? 'write' : 'other'
    case 'UpdateExpression':
      return 'write'
    default:
      return 'other'
  }
}

/** True if, anywhere below `node`, the name means something else. */
function binds(node: AnyNode, name: string): boolean {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return (
        (node.type === 'FunctionExpression' && node.id?.name === name) ||
        node.params.some((each) => hasName(each, name)) ||
        (node.body.type === 'BlockStatement' && (declares(node.body.body, name) || hasVar(node.body, name)))
      )
    case 'ClassExpression':
      return node.id?.name === name
    case 'BlockStatement':
    case 'StaticBlock':
      return declares(node.body, name)
    case 'SwitchStatement':
      return node.cases.some((each) => declares(each.consequent, name))
    case 'CatchClause':
      return node.param ? hasName(node.param, name) : false
    case 'ForStatement':
      return node.init ? declares([node.init], name) : false
    case 'ForInStatement':
    case 'ForOfStatement':
      return declares([node.left], name)
    default:
      return false
  }
}

export function hasName(pattern: Pattern, name: string): boolean {
  return bindingNames(pattern).includes(name)
}

/** Of these statements themselves, without `var`. */
export function declares(nodes: readonly AnyNode[], name: string): boolean {
  return nodes.some((node) =>
    node.type === 'VariableDeclaration'
      ? node.kind !== 'var' && node.declarations.some(({ id }) => hasName(id, name))
      : (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && node.id?.name === name,
  )
}

function hasVar(body: AnyNode, name: string): boolean {
  const waiting = [body]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const declared = node.type === 'VariableDeclaration' && node.kind === 'var' ? node.declarations : []
    if (declared.some(({ id }) => hasName(id, name))) return true
    if (!/Function|^Class/.test(node.type)) for (const child of childrenOf(node)) waiting.push(child)
  }
  return false
}
