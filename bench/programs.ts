/** Programs as a model writes them, of any length; no two of them are the same. */

const BLOCK: readonly ((i: number, seed: number) => string)[] = [
  (i, seed) => `interface Row${i} { id: string; total: number; tags?: string[] } // ${seed}`,
  (i, seed) => `const rows${i}: Row${i}[] = await search({ query: 'orders ${seed}-${i}', limit: ${i + 10} })`,
  (i) => `function best${i}<T extends { total: number }>(list: readonly T[], n = 3): T[] {`,
  () => '  return list.toSorted((a, b) => b.total - a.total).slice(0, n)',
  () => '}',
  (i) => `for (const { id, total, tags = [] } of best${i}(rows${i})) {`,
  (i) => `  if (total > ${i * 100} && !tags.includes('seen')) sums.set(id, (sums.get(id) ?? 0) + total)`,
  () => '  else print(`${id}: ${total.toFixed(2)} ${JSON.stringify(tags as unknown)}`)',
  () => '}',
  (i) => `const names${i} = rows${i}.map((row) => row.id!.toUpperCase()).filter(Boolean) satisfies string[]`,
]

/** `isReprinted`: with an enum in the first line. */
export function programOf(lines: number, seed: number, isReprinted: boolean): string {
  const first = isReprinted ? `enum Kind { Small = ${seed}, Large }; ` : ''
  const body = Array.from({ length: lines - 1 }, (_, at) => {
    const line = BLOCK[at % BLOCK.length]
    return line?.(at - (at % BLOCK.length), seed) ?? ''
  })
  // What the last block leaves open is closed, so that any number of lines is a program.
  const open = { 2: 1, 3: 1, 5: 1, 6: 1, 7: 1 }[(lines - 2) % BLOCK.length] ?? 0
  return [`${first}const sums = new Map<string, number>()`, ...body, '}'.repeat(open)].join('\n')
}
