/** Rules of this house that oxlint has no words for. Loaded by oxlint.config.ts. */

/** `new Date()` and `Date()` read the wall clock; `new Date(ms)` only formats what somebody else read. */
const noWallClock = {
  create(context) {
    const check = (node) => {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'Date') return
      if (node.type === 'NewExpression' && node.arguments.length > 0) return
      context.report({ node, message: 'Time comes from the store or from base/clock.ts.' })
    }
    return { NewExpression: check, CallExpression: check }
  },
}

export default { meta: { name: 'house' }, rules: { 'no-wall-clock': noWallClock } }
