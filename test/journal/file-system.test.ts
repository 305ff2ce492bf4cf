/** A state file is not written where other machines write too. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/base/errors.ts'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import { checkFileSystem } from '../../src/journal/sqlite/file-system.ts'
import { scratch } from './fixtures/files.ts'

const FILE = '/somewhere/state.db'

describe('a file system that other machines write to is refused, by its name', () => {
  test.each([
    ['NFS', 0x6969],
    ['SMB', 0x517b],
    ['CIFS', 0xff534d42],
    ['CIFS', 0xff534d42 | 0],
    ['SMB', 0xfe534d42],
    ['AFS', 0x5346414f],
    ['AFS', 0x6b414653],
    ['Coda', 0x73757245],
    ['Ceph', 0x00c36400],
    ['Lustre', 0x0bd00bd0],
    ['GPFS', 0x47504653],
    ['BeeGFS', 0x19830326],
    ['GFS2', 0x01161970],
  ])('%s (%i)', (name, type) => {
    const open = (): void => checkFileSystem(FILE, () => type)
    expect(open).toThrow(UsageError)
    expect(open).toThrow(`${FILE} is on a network file system (${name})`)
  })
})

describe('others are not', () => {
  test.each([
    ['ext4', 0xef53],
    ['xfs', 0x58465342],
    ['btrfs', 0x9123683e],
    ['zfs', 0x2fc12fc1],
    ['tmpfs', 0x01021994],
    ['overlay', 0x794c7630],
    ['9p', 0x01021997],
    ['FUSE', 0x65735546],
    ['one that nobody knows', 0x12345678],
  ])('%s', (_name, type) => {
    expect(() => checkFileSystem(FILE, () => type)).not.toThrow()
  })
})

test('a file that is not there yet is on the file system of its folder', () => {
  const types: Readonly<Record<string, number>> = { '/somewhere': 0x6969 }
  expect(() => checkFileSystem(FILE, (path) => types[path])).toThrow(/NFS/)
  expect(() => checkFileSystem(FILE, () => undefined)).not.toThrow()
  // What is a link is where it leads to.
  expect(() => checkFileSystem(FILE, (path) => ({ ...types, [FILE]: 0xef53 })[path])).not.toThrow()
})

test('the folder of a test is a local one, whether the file exists or not', async () => {
  using place = scratch()
  await sqliteStore(place.file).close()
  expect(() => checkFileSystem(place.file)).not.toThrow()
  expect(() => checkFileSystem(join(place.path, 'another.db'))).not.toThrow()
})
