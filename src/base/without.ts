/** A copy without some of its keys. */
export function without<T extends object>(object: T, ...keys: readonly (keyof T)[]): T {
  const copy = { ...object }
  for (const key of keys) delete copy[key]
  return copy
}
