/**
 * What a program does with names and values, read off its tree. It is what keeps the type check honest: TypeScript
 * believes that a variable keeps the type of its first value, a program in JavaScript does as it likes.
 *
 * Places (places.ts) are told apart by words alone, without scopes: one that is written makes all of its namesakes
 * doubtful. That costs detection, and never rejects a program.
 */
import { bindingNames, walk, type AnyNode, type Tree } from '../tree.ts'
import {
  isCatch,
  isFunction,
  keyOf,
  keysIn,
  nameOfKey,
  roots,
  targets,
  type FunctionNode,
  type Place,
} from './places.ts'

export interface Scan {
  /** Names that it declares at its top level. */
  readonly declares: ReadonlySet<string>
  /** Of these, functions: they are there even if the program failed half way. */
  readonly functions: ReadonlySet<string>
  /** Names that it declares anywhere: parameters and local variables too. */
  readonly binds: ReadonlySet<string>
  /** How often each identifier, and each name of a property, stands in it. */
  readonly mentions: ReadonlyMap<string, number>
  /** What it asks for before it uses it: a name by `typeof name`, a member by `if (x.member)` or `x.member?.()`. */
  readonly probed: ReadonlySet<Place>
  /** Places that are written after their first value. */
  readonly written: ReadonlySet<Place>
  /** Where the values of a place come from: whoever changes the one may change the other. */
  readonly sources: ReadonlyMap<Place, ReadonlySet<Place>>
  /** Functions that catch what fails in them. */
  readonly catchers: ReadonlySet<string>
  /** It runs text as code, or makes globals by names that it computes. */
  readonly evaluates: boolean
}

const MUTATORS = new Set(
  'push unshift splice fill copyWithin set add append insert prepend enqueue'.split(' '),
)
/** So much is read of a program. More is no program that a model writes. */
const MOST_FLOWS = 20_000
const EVALUATES = new Set(['eval', 'Function'])

/**
 * Reads a program. `names`: what it declares at its top level, functions apart.
 * @throws {RangeError} it is too large, or nested too deeply.
 */
export function scan(tree: Tree, names: readonly string[], functions: readonly string[]): Scan {
  const binds = new Set([...names, ...functions])
  const mentions = new Map<string, number>()
  const probed = new Set<string>()
  const written = new Set<Place>()
  const inPatterns = new Set<AnyNode>()
  const sources = new Map<Place, Set<Place>>()
  let flows = 0
  const catchers = new Set<string>()
  let evaluates = false
  const mention = (name: string): unknown => mentions.set(name, (mentions.get(name) ?? 0) + 1)
  const flow = (to: readonly Place[], from: readonly Place[]): void => {
    flows += to.length * from.length
    if (flows > MOST_FLOWS) throw new RangeError('The program is too entangled')
    for (const one of to) {
      const known = sources.get(one) ?? new Set()
      for (const other of from) known.add(other)
      if (from.length > 0) sources.set(one, known)
    }
  }
  walk(tree, (node) => {
    switch (node.type) {
      case 'Identifier':
        mention(node.name)
        evaluates ||= EVALUATES.has(node.name)
        break
      case 'UnaryExpression':
        if (node.operator === 'typeof' && node.argument.type === 'Identifier') probed.add(node.argument.name)
        if (node.operator === 'typeof' || node.operator === '!') probe(node.argument)
        break
      case 'IfStatement':
      case 'ConditionalExpression':
      case 'WhileStatement':
      case 'DoWhileStatement':
        probe(node.test)
        break
      case 'LogicalExpression':
        probe(node.left)
        break
      case 'MemberExpression':
        if (node.optional) probe(node.object)
        if (node.object.type === 'Identifier' && node.object.name === 'globalThis') {
          const key = keyOf(node)
          if (key === undefined) evaluates = true
          else probed.add(key.slice(1))
        }
        break
      case 'BinaryExpression':
        if (node.operator === 'in' && node.left.type === 'Literal' && typeof node.left.value === 'string')
          probed.add(node.left.value).add(`.${node.left.value}`)
        if (/^[!=]==?$/.test(node.operator)) for (const side of [node.left, node.right]) probe(side)
        break
      case 'AssignmentExpression':
        for (const place of targets(node.left)) written.add(place)
        flow(targets(node.left), roots(node.right))
        break
      case 'UpdateExpression':
        for (const place of targets(node.argument)) written.add(place)
        break
      case 'VariableDeclarator':
        for (const name of bindingNames(node.id)) binds.add(name)
        if (node.init) flow(bindingNames(node.id), roots(node.init))
        if (node.id.type === 'Identifier' && node.init && isFunction(node.init))
          describe(node.id.name, node.init)
        break
      case 'FunctionDeclaration':
        if (node.id) describe(node.id.name, node)
        if (node.id) binds.add(node.id.name)
        break
      case 'ClassDeclaration':
        if (node.id) binds.add(node.id.name)
        break
      case 'CatchClause':
        if (node.param) for (const name of bindingNames(node.param)) binds.add(name)
        break
      case 'Property':
      case 'MethodDefinition':
      case 'PropertyDefinition': {
        const key = nameOfKey(node)
        if (key === undefined || !node.value) break
        if (node.key.type !== 'Identifier') mention(key)
        if (inPatterns.has(node)) flow(targets(node.value), [`.${key}`])
        else if (isFunction(node.value)) describe(key, node.value)
        else flow([`.${key}`], roots(node.value))
        break
      }
      case 'ObjectPattern':
        for (const each of node.properties) inPatterns.add(each)
        break
      case 'ForOfStatement':
      case 'ForInStatement':
        if (node.left.type === 'VariableDeclaration')
          flow(
            node.left.declarations.flatMap(({ id }) => bindingNames(id)),
            roots(node.right),
          )
        else for (const place of targets(node.left)) written.add(place)
        break
      case 'CallExpression':
        called(node)
        break
      default:
    }
    if (isFunction(node))
      for (const name of node.params.flatMap((param) => bindingNames(param))) binds.add(name)
    return true
  })
  return {
    declares: new Set([...names, ...functions]),
    functions: new Set(functions),
    binds,
    mentions,
    probed,
    written,
    sources,
    catchers,
    evaluates,
  }

  /** The value is looked at, not relied on. */
  function probe(node: AnyNode): void {
    const found = node.type === 'ChainExpression' ? node.expression : node
    const key = found.type === 'MemberExpression' ? keyOf(found) : undefined
    if (key !== undefined) probed.add(key)
    if (found.type === 'LogicalExpression') probe(found.right)
  }

  /** A function by its name: what it gives, what it takes, whether it catches. */
  function describe(name: string, node: FunctionNode): void {
    node.params.forEach((param, i) => flow(bindingNames(param), [`${name}(${i})`]))
    if (node.body.type !== 'BlockStatement') flow([`${name}()`], roots(node.body))
    walk(node.body, (each) => {
      if (each.type === 'ReturnStatement' && each.argument) flow([`${name}()`], roots(each.argument))
      if (each.type === 'TryStatement' && each.handler) catchers.add(name)
      if (each.type === 'CallExpression' && each.callee.type === 'MemberExpression' && isCatch(each.callee))
        catchers.add(name)
      return true
    })
  }

  function called(node: Extract<AnyNode, { type: 'CallExpression' }>): void {
    const { callee, arguments: args } = node
    const [first] = args
    if (node.optional) probe(callee)
    if (callee.type === 'Identifier')
      args.forEach((argument, i) => flow([`${callee.name}(${i})`], roots(argument)))
    if (callee.type !== 'MemberExpression') return
    const key = keyOf(callee)?.slice(1)
    const owner = callee.object.type === 'Identifier' ? callee.object.name : ''
    if (key !== undefined && MUTATORS.has(key)) {
      for (const place of roots(callee.object)) written.add(place)
      for (const argument of args) flow(roots(callee.object), roots(argument))
    }
    if ((owner === 'Object' || owner === 'Reflect') && first !== undefined) {
      if (key === 'assign' || key === 'defineProperty' || key === 'defineProperties' || key === 'set') {
        for (const place of roots(first)) written.add(place)
        for (const place of args.slice(1).flatMap(keysIn)) written.add(place)
      }
    }
    for (const argument of args) {
      if (isFunction(argument))
        for (const param of argument.params) flow(bindingNames(param), roots(callee.object))
      if (key !== undefined) flow([`${key}(${args.indexOf(argument)})`], roots(argument))
    }
  }
}

/** The places that these programs write, and all whose values those share. */
export function doubtful(scans: readonly Scan[]): ReadonlySet<Place> {
  const reached = new Set(scans.flatMap(({ written }) => [...written]))
  // A set that grows while it is iterated is iterated to its end.
  for (const place of reached)
    for (const { sources } of scans) for (const from of sources.get(place) ?? []) reached.add(from)
  return reached
}
