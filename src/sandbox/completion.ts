/**
 * Whether a program has a value to show: that of its last statement, as a REPL gives it. A branch that was taken has
 * one (`if`, `switch`, `try`, a block); a loop has none, since what its last round made is nobody's result.
 */
import type { Statement, TopLevel } from './tree.ts'

export function showsValue(statements: readonly TopLevel[]): boolean {
  const last = statements.findLast((node) => !isSilent(node))
  return last !== undefined && shows(last)
}

function shows(node: TopLevel): boolean {
  switch (node.type) {
    case 'ExpressionStatement':
    case 'ExportDefaultDeclaration':
      return true
    case 'BlockStatement':
      return showsValue(node.body)
    case 'IfStatement':
      return shows(node.consequent) || (node.alternate ? shows(node.alternate) : false)
    case 'LabeledStatement':
      return shows(node.body)
    case 'SwitchStatement':
      return node.cases.some((each) => showsValue(each.consequent.filter(isNoBreak)))
    case 'TryStatement':
      return showsValue(node.block.body) || (node.handler ? showsValue(node.handler.body.body) : false)
    default:
      return false
  }
}

/** Declares and does nothing; `var N;` is what reprinting puts last. */
function isSilent(node: TopLevel): boolean {
  if (node.type === 'EmptyStatement' || node.type === 'FunctionDeclaration') return true
  return (
    node.type === 'VariableDeclaration' &&
    node.kind === 'var' &&
    node.declarations.every((each) => !each.init)
  )
}

function isNoBreak(node: Statement): boolean {
  return node.type !== 'BreakStatement'
}
