/**
 * References to secrets, whose values never come here: text that the host knows by the run's mark, and replaces when a
 * tool takes it (`tool/secret.ts`).
 */
;(function references(kit) {
  'use strict'
  const { charCode } = kit
  let mark = ''

  /** Letters, digits and _, at most 64, and no digit first. */
  function isName(name) {
    if (typeof name !== 'string' || name.length === 0 || name.length > 64) return false
    for (let i = 0; i < name.length; i++) {
      const code = charCode(name, i)
      const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
      if (!letter && (i === 0 || code < 48 || code > 57)) return false
    }
    return true
  }

  return {
    configure(text) {
      mark = text
    },
    /** Text that stands for the secret. */
    secret(name) {
      if (!isName(name)) throw new kit.TypeError('secret takes the name of a secret, like "GITHUB_TOKEN"')
      return 'secret.' + name + '.' + mark
    },
  }
})
